/** Small networks with random weights as generators read them, and what they compute, in float64. */

import type { LoadGenerator } from "../edge/generator.ts";
import type { ActivationName, LayerSpec, Manifest, OutputSpec, WeightType } from "../shared/manifest.ts";
import { createRandom } from "../shared/random.ts";
import { sizeOf } from "../trainer/autodiff/tensor.ts";
import { layersModelFiles } from "../trainer/export/layers-model.ts";
import { storedWeightFiles, withWeights } from "../trainer/export/store-weights.ts";
import { layerParameters, layerShapes } from "../trainer/generators/layers.ts";

export interface Network {
  readonly latentSize: number;
  /** Sizes on both sides of the kernel's panels (32 outputs) and blocks (64 inputs, 64 pixels). */
  readonly layers: readonly LayerSpec[];
  /** Largest file of weights, to cut them anywhere. */
  readonly shardBytes?: number;
  /** Left out: random ones. */
  readonly bias?: number;
}

export const ACTIVATIONS = ["linear", "relu", "leaky-relu", "sigmoid", "tanh"] as const;

export function dense(units: number, activation: ActivationName): LayerSpec {
  return { kind: "dense", units, activation };
}

export function conv(filters: number, kernelSize: number, activation: ActivationName): LayerSpec {
  return { kind: "conv", filters, kernelSize, activation };
}

export function convTranspose(
  filters: number,
  kernelSize: number,
  stride: number,
  activation: ActivationName,
): LayerSpec {
  return { kind: "conv-transpose", filters, kernelSize, stride, activation };
}

export const NETWORKS: Record<string, Network> = {
  relu: { latentSize: 64, layers: [dense(130, "relu"), dense(129, "relu"), dense(40, "sigmoid")] },
  leaky: { latentSize: 5, layers: [dense(63, "leaky-relu"), dense(32, "tanh"), dense(31, "linear")] },
  tiny: { latentSize: 1, layers: [dense(1, "tanh"), dense(2, "linear")], shardBytes: 4 },
  // Few zeros after the first ReLU: left out for one row, not for four.
  full: {
    latentSize: 9,
    layers: [dense(200, "relu"), dense(70, "leaky-relu"), dense(33, "linear")],
    bias: 1.5,
  },
  wide: { latentSize: 65, layers: [dense(97, "sigmoid"), dense(33, "relu")], shardBytes: 1000 },
  transposed: {
    latentSize: 6,
    layers: [
      dense(10, "leaky-relu"),
      dense(5 * 3 * 70, "relu"),
      { kind: "reshape", shape: [5, 3, 70] },
      convTranspose(9, 4, 2, "relu"),
      convTranspose(3, 5, 3, "leaky-relu"),
      convTranspose(1, 2, 2, "sigmoid"),
    ],
    shardBytes: 1004,
  },
  upsampled: {
    latentSize: 4,
    layers: [
      dense(3 * 4 * 6, "tanh"),
      { kind: "reshape", shape: [3, 4, 6] },
      conv(5, 5, "relu"),
      { kind: "upsample", factor: 2 },
      conv(33, 3, "relu"),
      { kind: "upsample", factor: 3 },
      conv(4, 5, "tanh"),
      conv(3, 1, "linear"),
    ],
  },
};

/** The manifest's parts that generators look at, the files, and the values that they stand for. */
export function network({ latentSize, layers, shardBytes, bias }: Network, dtype: WeightType = "float32") {
  const random = createRandom(3);
  const trained = Object.fromEntries(
    layerParameters(layers, latentSize)
      .flatMap((layer) => [
        { ...layer.kernel, scale: 1 / Math.sqrt(layer.fanIn) },
        { ...layer.bias, scale: 1 },
      ])
      .map(({ name, shape, scale }) => {
        const values = new Float32Array(sizeOf(shape));
        random.fillNormal(values);
        if (bias !== undefined && shape.length === 1) values.fill(bias);
        return [name, values.map((value) => value * scale)];
      }),
  ) as Record<string, Float32Array<ArrayBuffer>>;
  const shape = layerShapes(layers, latentSize).at(-1)!;
  const length = sizeOf(shape);
  const output = (
    shape.length === 3 ? { kind: "image", shape, range: [0, 1] } : { kind: "vector", shape, range: null }
  ) as OutputSpec;
  const stored = withWeights({ latentSize, layers, weights: trained }, dtype);
  const { weights } = stored.generator;
  const own = storedWeightFiles(stored.weights) ?? [];
  const files = new Map(
    [...layersModelFiles(layers, latentSize, output, weights), ...own].map(({ path, bytes }) => [
      path,
      bytes,
    ]),
  );
  let paths: string[] | null = null;
  if (own.length > 0) paths = cut(files, "generator", shardBytes ?? Number.MAX_SAFE_INTEGER);
  if (shardBytes) {
    const model = JSON.parse(new TextDecoder().decode(files.get("model.json")));
    model.weightsManifest[0].paths = cut(files, "weights", shardBytes);
    files.set("model.json", new TextEncoder().encode(JSON.stringify(model)));
  }
  const manifest = {
    name: "net",
    latent: { size: latentSize, distribution: "normal" },
    generator: { layers, parameterCount: 0, weights: { dtype, files: paths, error: null } },
    output,
  } as unknown as Manifest;
  const load = (loadGenerator: LoadGenerator) =>
    loadGenerator(manifest, async (path) => new Uint8Array(files.get(path)!));
  return { manifest, files, weights, length, load };
}

/** Cuts a file as an exporter with smaller ones would have written it; returns their paths. */
function cut(files: Map<string, Uint8Array<ArrayBuffer>>, name: string, bytes: number): string[] {
  const all = files.get(`${name}.0.bin`)!;
  const paths: string[] = [];
  for (let at = 0; at < all.length; at += bytes) {
    paths.push(`${name}.${paths.length}.bin`);
    files.set(paths.at(-1)!, all.slice(at, at + bytes));
  }
  return paths;
}

export function latentsOf(count: number, size: number): Float32Array {
  return createRandom(count).fillNormal(new Float32Array(count * size)) as Float32Array;
}

/** The layers in float64, as the manifest defines them. */
export function reference(
  { latentSize, layers }: Network,
  weights: Record<string, Float32Array>,
  latent: Float32Array,
): readonly number[] {
  let x: readonly number[] = Array.from(latent.subarray(0, latentSize));
  let sides: readonly [number, number, number] = [1, 1, latentSize];
  for (const [i, layer] of layers.entries()) {
    const kernel = weights[`${layer.kind}${i}/kernel`]!;
    const bias = weights[`${layer.kind}${i}/bias`]!;
    const [height, width, channels] = sides;
    if (layer.kind === "reshape") {
      sides = layer.shape;
    } else if (layer.kind === "upsample") {
      const { factor } = layer;
      x = image([height * factor, width * factor, channels], (row, column, channel) => {
        return x[(Math.floor(row / factor) * width + Math.floor(column / factor)) * channels + channel]!;
      });
      sides = [height * factor, width * factor, channels];
    } else if (layer.kind === "dense") {
      const { units } = layer;
      x = Array.from({ length: units }, (_, unit) =>
        x.reduce((sum, value, input) => sum + value * kernel[input * units + unit]!, bias[unit]!),
      );
    } else {
      // Both kinds by what a pixel of the large image gets from one of the small one.
      const { kernelSize, filters } = layer;
      const stride = layer.kind === "conv" ? 1 : layer.stride;
      const padding = (kernelSize - stride) / 2;
      const large = [height * stride, width * stride, filters] as const;
      x = image(large, (row, column, filter) => {
        let sum = bias[filter]!;
        for (let above = 0; above < height; above++) {
          for (let left = 0; left < width; left++) {
            const offset = [row - above * stride, column - left * stride].map((o) =>
              layer.kind === "conv" ? padding - o : padding + o,
            ) as [number, number];
            if (offset.some((o) => o < 0 || o >= kernelSize)) continue;
            const tap = offset[0] * kernelSize + offset[1];
            for (let channel = 0; channel < channels; channel++) {
              const weight =
                layer.kind === "conv"
                  ? (tap * channels + channel) * filters + filter
                  : (tap * filters + filter) * channels + channel;
              sum += x[(above * width + left) * channels + channel]! * kernel[weight]!;
            }
          }
        }
        return sum;
      });
      sides = large;
    }
    if ("activation" in layer) x = x.map((value) => activate(layer.activation, value));
  }
  return x;
}

function image(
  [height, width, channels]: readonly [number, number, number],
  at: (row: number, column: number, channel: number) => number,
): number[] {
  return Array.from({ length: height * width * channels }, (_, i) =>
    at(Math.floor(i / channels / width), Math.floor(i / channels) % width, i % channels),
  );
}

export function activate(activation: ActivationName, x: number): number {
  return {
    linear: x,
    relu: Math.max(x, 0),
    "leaky-relu": x < 0 ? 0.2 * x : x,
    sigmoid: 1 / (1 + Math.exp(-x)),
    tanh: Math.tanh(x),
  }[activation];
}
