/** A TF.js LayersModel as symbolic tensors: TF.js reads the files, and the layers become our operators. */

import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import "@tensorflow/tfjs-backend-cpu";
import type { io } from "@tensorflow/tfjs-core";
import { loadLayersModel } from "@tensorflow/tfjs-layers";
import {
  averagePool2d,
  broadcastTo,
  concat,
  conv2d,
  dense,
  leakyRelu,
  mean,
  relu,
  sigmoid,
  softplus,
  tanh,
} from "../autodiff/operators.ts";
import { constant, input, sizeOf, type Tensor } from "../autodiff/tensor.ts";
import { channelsFirst, type ImageShape, imagesFromRows, rowsFromImages } from "../layers/image.ts";
import type { Features } from "./features.ts";
import { maxPool2d, normalised } from "./operators.ts";

/** One layer of a sequence: what it is, how it is configured, its weights in TF.js's order. */
interface Layer {
  readonly kind: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly weights: readonly Tensor[];
}

/** @throws Error in words, where the model can't be taken */
export async function readLayersFeatures(path: string, shape: readonly number[]): Promise<Features> {
  const model = await loadLayersModel({ load: () => readArtifacts(path) });
  const expected = model.inputs[0]!.shape.slice(1);
  if (model.inputs.length !== 1 || model.outputs.length !== 1) {
    throw new Error(
      `has ${model.inputs.length} inputs and ${model.outputs.length} outputs, expected one of each`,
    );
  }
  const asImages = expected.length === 3 && shape.every((side, axis) => expected[axis] === side);
  if (!asImages && !(expected.length === 1 && expected[0] === sizeOf(shape))) {
    throw new Error(`takes examples of ${expected.join("×")}, the data's are ${shape.join("×")}`);
  }
  const layers: Layer[] = model.layers.map((layer) => ({
    kind: layer.getClassName(),
    config: layer.getConfig(),
    weights: layer.getWeights().map((weight) => constant(weight.dataSync<"float32">(), weight.shape)),
  }));
  model.layers.forEach((layer, i) => {
    const before = layer.inboundNodes.flatMap(({ inboundLayers }) => inboundLayers);
    if (before.length > 1 || (i > 0 && before[0] !== model.layers[i - 1])) {
      throw new Error(
        `layer ${layer.name} doesn't follow the one before it; a plain sequence of layers is known here`,
      );
    }
  });
  model.dispose();
  const of = (examples: Tensor) => {
    const first = asImages ? imagesFromRows(examples, shape as readonly number[] as ImageShape) : examples;
    const result = layers.reduce(applied, first);
    return result.shape.length === 4 ? rowsFromImages(result) : result;
  };
  return { length: of(input("example", [1, sizeOf(shape)])).shape[1]!, of };
}

async function readArtifacts(path: string): Promise<io.ModelArtifacts> {
  const json = JSON.parse(await readFile(path, "utf8")) as io.ModelJSON;
  const groups = json.weightsManifest;
  const files = groups.flatMap(({ paths }) => paths);
  const bytes = await Promise.all(files.map((file) => readFile(join(dirname(path), file))));
  return {
    modelTopology: json.modelTopology,
    weightSpecs: groups.flatMap(({ weights }) => weights),
    weightData: new Uint8Array(Buffer.concat(bytes)).buffer,
  };
}

function applied(x: Tensor, layer: Layer): Tensor {
  const apply = LAYERS[layer.kind];
  if (!apply) throw new Error(`holds a layer ${layer.kind}; there are ${Object.keys(LAYERS).join(", ")}`);
  return apply(x, layer);
}

type Apply = (x: Tensor, layer: Layer) => Tensor;

const LAYERS: Readonly<Record<string, Apply>> = {
  InputLayer: (x) => x,
  Dropout: (x) => x,
  Activation: (x, { config }) => activated(x, config["activation"]),
  ReLU: (x) => relu(x),
  LeakyReLU: (x, { config }) => leakyRelu(x, config["alpha"] as number),
  Flatten: (x) => (x.shape.length === 4 ? rowsFromImages(x) : x),
  Dense(x, { config, weights: [kernel, bias] }) {
    if (x.shape.length !== 2) throw new Error("a Dense layer on images isn't known here; flatten them first");
    const zeros = () => constant(new Float32Array(kernel!.shape[1]!));
    return activated(dense(x, kernel!, bias ?? zeros()), config["activation"]);
  },
  Conv2D(x, { config, weights: [kernel, bias] }) {
    const stride = equal(config["strides"]);
    if (equal(config["dilationRate"] ?? [1, 1]) !== 1) throw new Error("a dilated Conv2D isn't known here");
    const padded = config["padding"] === "same" ? paddedFor(x, kernel!.shape[0]!, stride) : x;
    const result = conv2d(padded, channelsFirst(kernel!), { stride, ...(bias && { bias }) });
    return activated(result, config["activation"]);
  },
  BatchNormalization(x, { config, weights }) {
    const scaled = config["scale"] as boolean;
    const centred = config["center"] as boolean;
    const [mu, variance] = weights.slice(-2);
    const fill = (value: number) => constant(new Float32Array(mu!.shape[0]!).fill(value));
    const scale = scaled ? weights[0]! : fill(1);
    const shift = centred ? weights[scaled ? 1 : 0]! : fill(0);
    const moments = { scale, shift, mean: mu!, variance: variance! };
    return normalised(x, moments, config["epsilon"] as number);
  },
  MaxPooling2D: (x, { config }) => maxPool2d(x, window(config)),
  AveragePooling2D: (x, { config }) => averagePool2d(x, window(config)),
  GlobalAveragePooling2D: (x) => mean(x, [2, 3]),
};

const ACTIVATIONS: Readonly<Record<string, (x: Tensor) => Tensor>> = {
  linear: (x) => x,
  relu,
  sigmoid,
  tanh,
  softplus,
};

function activated(x: Tensor, name: unknown): Tensor {
  const activation = ACTIVATIONS[String(name ?? "linear")];
  if (!activation) {
    throw new Error(`has the activation ${name}; there are ${Object.keys(ACTIVATIONS).join(", ")}`);
  }
  return activation(x);
}

function equal(sides: unknown): number {
  const [rows, columns] = sides as readonly number[];
  if (rows !== columns) throw new Error(`has strides ${rows}, ${columns}; two equal numbers are known here`);
  return rows!;
}

/** The side of windows that don't overlap. */
function window(config: Layer["config"]): number {
  const side = equal(config["poolSize"]);
  if (equal(config["strides"]) !== side || config["padding"] !== "valid") {
    throw new Error("pools windows that overlap or reach over the edge, which aren't known here");
  }
  return side;
}

/** TensorFlow's padding "same": as few zeros as it takes, the odd one below and on the right. */
function paddedFor(x: Tensor, kernelSize: number, stride: number): Tensor {
  return [2, 3].reduce((padded, axis) => {
    const side = x.shape[axis]!;
    const zeros = Math.max((Math.ceil(side / stride) - 1) * stride + kernelSize - side, 0);
    const before = Math.floor(zeros / 2);
    const band = (count: number) =>
      count > 0 ? [broadcastTo(constant(0), padded.shape.with(axis, count) as number[])] : [];
    const parts = [...band(before), padded, ...band(zeros - before)];
    return parts.length > 1 ? concat(parts, axis) : padded;
  }, x);
}
