/** Small bundles with random weights, for tests of everything that reads bundles. */

import type { LayerSpec, Manifest, OutputSpec, WeightType } from "../shared/manifest.ts";
import { encodePng } from "../shared/png.ts";
import { createRandom, type Random } from "../shared/random.ts";
import { sizeOf } from "../trainer/autodiff/tensor.ts";
import type { Rows } from "../trainer/data/dataset.ts";
import { scanRows } from "../trainer/data/scan-rows.ts";
import { createOnnxEngine } from "../trainer/engine/onnx-engine.ts";
import { writeBundle } from "../trainer/export/bundle.ts";
import { calibrate } from "../trainer/export/calibrate.ts";
import { indexRows } from "../trainer/export/row-index.ts";
import { siblingDistances } from "../trainer/export/siblings.ts";
import { withWeights } from "../trainer/export/store-weights.ts";
import { GENERATORS } from "../trainer/generators/index.ts";
import { layerParameters } from "../trainer/generators/layers.ts";

export interface SmallBundle {
  readonly name: string;
  readonly output: OutputSpec;
  readonly latentSize?: number;
  readonly hidden?: readonly LayerSpec[];
  /** A convolutional architecture instead of dense layers. */
  readonly architecture?: "dcgan" | "upsample-conv";
  /** What kernels are stored as; float32 if left out. */
  readonly weights?: WeightType;
  /** Takes a class: "nought" for half of the training examples, "one" for a quarter of them, … */
  readonly conditional?: true;
  readonly rowCount?: number;
  readonly heldOutCount?: number;
  /** Leaves the training examples out. */
  readonly withoutRows?: boolean;
  /** Leaves out how far training examples are from each other, which takes long for many. */
  readonly withoutSiblings?: boolean;
  /** Searched by an index, its rows read page by page. */
  readonly indexed?: "principal" | "vectorize";
  readonly seed?: number;
}

export const GREY: OutputSpec = { kind: "image", shape: [28, 28, 1], range: [0, 1] };
export const RGB: OutputSpec = { kind: "image", shape: [8, 6, 3], range: [0, 1] };
export const PLANE: OutputSpec = { kind: "vector", shape: [2], range: null };

const LABELS = ["nought", "one", "two"];
const HIDDEN: readonly LayerSpec[] = [
  { kind: "dense", units: 33, activation: "leaky-relu" },
  { kind: "dense", units: 20, activation: "tanh" },
];

/** Writes a bundle whose training examples are smooth random blobs, and its held-out ones alike. */
export async function writeSmallBundle(directory: string, bundle: SmallBundle): Promise<Manifest> {
  const {
    name,
    output,
    latentSize = 5,
    hidden = HIDDEN,
    rowCount = 300,
    heldOutCount = 199,
    seed = 1,
  } = bundle;
  const random = createRandom(seed);
  const length = output.shape.reduce<number>((product, size) => product * size, 1);
  const isImage = output.kind === "image";
  const outputActivation = isImage ? ("sigmoid" as const) : ("linear" as const);
  const layers: readonly LayerSpec[] = bundle.architecture
    ? GENERATORS[bundle.architecture]!({
        latentSize,
        hidden: [9],
        channels: [5],
        activation: "leaky-relu",
        outputShape: output.shape,
        outputActivation,
      }).layers
    : [...hidden, { kind: "dense", units: length, activation: outputActivation }];
  const weights: Record<string, Float32Array<ArrayBuffer>> = {};
  const labelCounts = bundle.conditional ? [2, 1, 1] : null;
  const inputSize = latentSize + (labelCounts?.length ?? 0);
  for (const { kernel, bias, fanIn } of layerParameters(layers, inputSize)) {
    weights[kernel.name] = normals(random, sizeOf(kernel.shape)).map(
      (value) => (2 * value) / Math.sqrt(fanIn),
    );
    weights[bias.name] = normals(random, bias.shape[0]!);
  }
  const train = randomRows(random.fork("train"), rowCount, length, isImage);
  const heldOut = randomRows(random.fork("held-out"), heldOutCount, length, isImage);
  const scan = bundle.withoutRows ? null : scanRows(train, output.shape);
  const engine = createOnnxEngine();
  const indexed =
    scan && bundle.indexed
      ? await indexRows(engine, bundle.indexed, train, output.shape, heldOut, scan, () => {})
      : null;
  await engine.dispose();
  const search = indexed?.search ?? scan;
  const stored = withWeights({ latentSize: inputSize, layers, weights }, bundle.weights ?? "float32");
  return writeBundle(directory, {
    name,
    latentSize: inputSize,
    labelCounts,
    layers,
    weights: stored.generator.weights,
    storedWeights: stored.weights,
    output,
    labels: LABELS,
    training: { objective: "none", engine: "none", seed, steps: 0, config: {} },
    dataset: { name: "noise", trainCount: rowCount, heldOutCount, testCount: 0 },
    metrics: {},
    train: scan && train,
    calibration: search && (await calibrate(search, train, heldOut, 0.01, () => {})),
    siblings: scan && !bundle.withoutSiblings ? await siblingDistances(scan, () => {}) : null,
    index: indexed?.index ?? null,
    preview: encodePng({ width: 1, height: 1, channels: 1, data: new Uint8Array(1) }),
    report: "<!doctype html><title>Report</title>",
  });
}

/** Examples of one distribution: sums of a few random directions, so that neighbourhoods mean something. */
export function randomRows(random: Random, count: number, length: number, isImage: boolean): Rows {
  const directions = createRandom(77);
  const basis = Array.from({ length: 6 }, () => normals(directions, length));
  const values = isImage ? new Uint8Array(count * length) : new Float32Array(count * length);
  for (let row = 0; row < count; row++) {
    const codes = normals(random, basis.length);
    for (let i = 0; i < length; i++) {
      let value = 0;
      for (let b = 0; b < basis.length; b++) value += codes[b]! * basis[b]![i]!;
      values[row * length + i] = isImage ? Math.min(Math.max(Math.round(128 + 25 * value), 0), 255) : value;
    }
  }
  const labels = Uint16Array.from({ length: count }, () => random.below(LABELS.length));
  return { count, length, values, labels };
}

function normals(random: Random, count: number): Float32Array<ArrayBuffer> {
  return random.fillNormal(new Float32Array(count)) as Float32Array<ArrayBuffer>;
}
