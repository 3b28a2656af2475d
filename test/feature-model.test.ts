import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { type LayersModel, layers, sequential } from "@tensorflow/tfjs-layers";
import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createRandom } from "../shared/random.ts";
import { input } from "../trainer/autodiff/tensor.ts";
import type { Engine } from "../trainer/engine/engine.ts";
import { createEngine } from "../trainer/engine/index.ts";
import { readFeatureModel } from "../trainer/features/feature-model.ts";
import { encodeModel, type OnnxGraph, type OnnxNode } from "../trainer/onnx/model-proto.ts";

const SHAPE = [8, 6, 3] as const;
const LENGTH = 8 * 6 * 3;
const COUNT = 3;
const folder = mkdtempSync(join(tmpdir(), "imle-feature-models-"));
let engine: Engine;
beforeAll(async () => {
  ({ engine } = await createEngine("cpu"));
});
afterAll(async () => {
  await engine.dispose();
  rmSync(folder, { recursive: true });
});

const examples = createRandom(1).fillNormal(new Float32Array(COUNT * LENGTH));

/** What our reading of the model at `path` gives for the examples. */
async function featuresOf(path: string): Promise<number[]> {
  const features = await readFeatureModel(path, SHAPE);
  const program = await engine.compile({ found: features.of(input("x", [COUNT, LENGTH])) });
  const { found } = await program.run({ x: examples });
  expect(found).toHaveLength(COUNT * features.length);
  return [...found!];
}

function expectNear(found: readonly number[], expected: readonly number[]): void {
  expect(found).toHaveLength(expected.length);
  expect(Math.max(...found.map((value, i) => Math.abs(value - expected[i]!)))).toBeLessThan(1e-5);
}

// --- ONNX --------------------------------------------------------------------------------------------------

function weights(name: string, shape: readonly number[], seed: number, scale = 0.3) {
  const size = shape.reduce((product, side) => product * side, 1);
  const values = createRandom(seed).fillNormal(new Float32Array(size));
  for (let i = 0; i < size; i++) values[i]! *= scale;
  return { name, dtype: "float32" as const, shape, data: new Uint8Array(values.buffer) };
}

const positive = (tensor: ReturnType<typeof weights>) => {
  const values = new Float32Array(tensor.data.buffer).map((value) => value ** 2 + 0.5);
  return { ...tensor, data: new Uint8Array(values.buffer) };
};

function whole(name: string, numbers: readonly number[]) {
  return {
    name,
    dtype: "int64" as const,
    shape: [numbers.length],
    data: new Uint8Array(BigInt64Array.from(numbers, BigInt).buffer),
  };
}

const node = (
  op: string,
  inputs: string[],
  output: string,
  attributes: OnnxNode["attributes"] = {},
): OnnxNode => ({
  op,
  inputs,
  outputs: [output],
  attributes,
});

const convolutional: OnnxGraph = {
  name: "convolutional",
  inputs: [{ name: "image", dtype: "float32", shape: ["n", 3, 8, 6] }],
  initializers: [
    weights("k1", [4, 3, 3, 3], 2),
    weights("b1", [4], 3),
    weights("scale", [4], 4),
    weights("shift", [4], 5),
    weights("mean", [4], 6),
    positive(weights("variance", [4], 7)),
    weights("k2", [5, 4, 3, 3], 8),
    whole("flat", [0, -1]),
    weights("w", [7, 30], 9),
    weights("b", [7], 10),
  ],
  nodes: [
    node("Conv", ["image", "k1", "b1"], "c1", { strides: [1, 1], pads: [1, 1, 1, 1], kernel_shape: [3, 3] }),
    node("BatchNormalization", ["c1", "scale", "shift", "mean", "variance"], "n1", {
      epsilon: { float: 1e-3 },
    }),
    node("LeakyRelu", ["n1"], "r1", { alpha: { float: 0.1 } }),
    node("MaxPool", ["r1"], "p1", { kernel_shape: [2, 2], strides: [2, 2] }),
    node("Conv", ["p1", "k2"], "c2", { strides: [2, 2], pads: [1, 1, 1, 1], kernel_shape: [3, 3] }),
    node("Sigmoid", ["c2"], "s2"),
    node("GlobalAveragePool", ["s2"], "g2"),
    node("Mul", ["s2", "g2"], "m2"),
    node("Add", ["m2", "s2"], "a2"),
    node("Concat", ["a2", "m2"], "k", { axis: 1 }),
    node("Reshape", ["k", "flat"], "f"),
    node("Dropout", ["f"], "d"),
    // 10 channels of 2 × 2 pixels make 40; the product takes the first 30 by a matrix of zeros below.
    node("Tanh", ["d"], "t"),
  ],
  outputs: [{ name: "t", dtype: "float32", shape: ["n", 40] }],
};

const dense: OnnxGraph = {
  name: "dense",
  inputs: [{ name: "row", dtype: "float32", shape: ["n", LENGTH] }],
  initializers: [weights("w1", [9, LENGTH], 11, 0.1), weights("b1", [9], 12), weights("w2", [9, 4], 13)],
  nodes: [
    node("Gemm", ["row", "w1", "b1"], "h", { transB: 1, alpha: { float: 0.5 }, beta: { float: 2 } }),
    node("Softplus", ["h"], "p"),
    node("Sqrt", ["p"], "q"),
    node("MatMul", ["q", "w2"], "y"),
    node("Neg", ["y"], "z"),
    node("Exp", ["z"], "e"),
    node("Div", ["y", "e"], "out"),
  ],
  outputs: [{ name: "out", dtype: "float32", shape: ["n", 4] }],
};

const channelsLast: OnnxGraph = {
  name: "channels last",
  inputs: [{ name: "image", dtype: "float32", shape: ["n", 8, 6, 3] }],
  initializers: [],
  nodes: [
    node("Transpose", ["image"], "t", { perm: [0, 3, 1, 2] }),
    node("AveragePool", ["t"], "a", { kernel_shape: [2, 2], strides: [2, 2] }),
    node("Relu", ["a"], "r"),
    node("Flatten", ["r"], "f", { axis: 1 }),
  ],
  outputs: [{ name: "f", dtype: "float32", shape: ["n", 36] }],
};

function write(name: string, graph: OnnxGraph): string {
  const path = join(folder, `${name}.onnx`);
  writeFileSync(path, encodeModel(graph));
  return path;
}

describe("an ONNX model", () => {
  test.each([
    ["convolutional", convolutional, [COUNT, 3, 8, 6]],
    ["dense", dense, [COUNT, LENGTH]],
    ["channels last", channelsLast, [COUNT, 8, 6, 3]],
  ])("gives what ONNX Runtime gives: %s", async (name, graph, shape) => {
    const path = write(name, graph);
    const session = await InferenceSession.create(path);
    // Examples have their channels last.
    const fed =
      shape[1] === 3
        ? Float32Array.from({ length: COUNT * LENGTH }, (_, i) => {
            const [row, channel, pixel] = [Math.floor(i / LENGTH), Math.floor(i / 48) % 3, i % 48];
            return examples[row * LENGTH + pixel * 3 + channel]!;
          })
        : examples;
    const result = await session.run({ [session.inputNames[0]!]: new OrtTensor(fed, shape) });
    const expected = [...(result[session.outputNames[0]!]!.data as Float32Array)];
    expectNear(await featuresOf(path), expected);
    await session.release();
  });

  test.each([
    [
      "of other examples",
      { ...dense, inputs: [{ ...dense.inputs[0]!, shape: ["n", 10] }] },
      /takes examples of 10, the data's are 8×6×3/,
    ],
    [
      "of an operator that isn't known",
      { ...channelsLast, nodes: [node("Einsum", ["image"], "f")] },
      /holds the operator Einsum; there are .*Conv/,
    ],
    [
      "with uneven padding",
      {
        ...convolutional,
        nodes: [node("Conv", ["image", "k1", "b1"], "t", { pads: [0, 0, 1, 1], kernel_shape: [3, 3] })],
      },
      /Conv: padding 0, 0, 1, 1/,
    ],
  ] as [string, OnnxGraph, RegExp][])("%s is refused", async (name, graph, message) => {
    await expect(readFeatureModel(write(name, graph), SHAPE)).rejects.toThrow(message);
  });
});

// --- TF.js -------------------------------------------------------------------------------------------------

async function save(name: string, model: LayersModel): Promise<string> {
  const path = join(folder, `${name}.json`);
  await model.save({
    async save({ modelTopology, weightSpecs, weightData }) {
      writeFileSync(join(folder, `${name}.bin`), new Uint8Array(weightData as ArrayBuffer));
      const weightsManifest = [{ paths: [`${name}.bin`], weights: weightSpecs }];
      writeFileSync(path, JSON.stringify({ modelTopology, weightsManifest }));
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: "JSON" } };
    },
  });
  return path;
}

describe("a TF.js model", () => {
  const random = createRandom(20);
  const randomised = (model: LayersModel) => {
    for (const layer of model.layers) {
      layer.setWeights(
        layer.getWeights().map(({ shape, size }) => {
          const values = random
            .fillNormal(new Float32Array(size))
            .map((value) => 0.3 * Math.abs(value) + 0.05);
          return tf.tensor(values, shape);
        }),
      );
    }
    return model;
  };

  test.each([
    [
      "convolutional",
      () =>
        sequential({
          layers: [
            layers.conv2d({ inputShape: [8, 6, 3], filters: 4, kernelSize: 3, strides: 2, padding: "same" }),
            layers.batchNormalization({ scale: false }),
            layers.reLU(),
            layers.maxPooling2d({ poolSize: [1, 1] }),
            layers.conv2d({
              filters: 5,
              kernelSize: 3,
              padding: "valid",
              useBias: false,
              activation: "sigmoid",
            }),
            layers.flatten(),
            layers.dropout({ rate: 0.5 }),
            layers.dense({ units: 6, activation: "tanh" }),
          ],
        }),
    ],
    [
      "pooled",
      () =>
        sequential({
          layers: [
            layers.conv2d({ inputShape: [8, 6, 3], filters: 4, kernelSize: 5, padding: "same" }),
            layers.leakyReLU({ alpha: 0.3 }),
            layers.averagePooling2d({ poolSize: 2 }),
            layers.globalAveragePooling2d({ dataFormat: "channelsLast" }),
          ],
        }),
    ],
    [
      "dense",
      () =>
        sequential({ layers: [layers.dense({ inputShape: [LENGTH], units: 7, activation: "softplus" })] }),
    ],
  ])("gives what TF.js gives: %s", async (name, build) => {
    const model = randomised(build());
    const path = await save(name, model);
    const shape = model.inputs[0]!.shape.slice(1) as number[];
    const predicted = model.predict(tf.tensor(examples, [COUNT, ...shape])) as tf.Tensor;
    expectNear(await featuresOf(path), [...predicted.dataSync<"float32">()]);
    model.dispose();
  });

  test("with a layer that isn't known is refused", async () => {
    const model = sequential({ layers: [layers.dense({ inputShape: [8, 6], units: 2 })] });
    const path = await save("matrix", model);
    await expect(readFeatureModel(path, SHAPE)).rejects.toThrow(
      /takes examples of 8×6, the data's are 8×6×3/,
    );
    const other = sequential({
      layers: [layers.upSampling2d({ inputShape: [8, 6, 3] }), layers.flatten()],
    });
    const second = await save("upsampling", other);
    await expect(readFeatureModel(second, SHAPE)).rejects.toThrow(
      /holds a layer UpSampling2D; there are .*Conv2D/,
    );
  });
});
