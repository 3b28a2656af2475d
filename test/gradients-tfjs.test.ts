/** Whole generators: the gradient of a loss, against TF.js's of the LayersModel that is exported. */

import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { type LayersModel, loadLayersModel } from "@tensorflow/tfjs-layers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { OutputSpec } from "../shared/manifest.ts";
import { createRandom } from "../shared/random.ts";
import { differentiate } from "../trainer/autodiff/gradients.ts";
import { mean, square, subtract } from "../trainer/autodiff/operators.ts";
import { input, type Tensor, topologicalOrder } from "../trainer/autodiff/tensor.ts";
import type { InitialParameter } from "../trainer/engine/engine.ts";
import { createOnnxEngine } from "../trainer/engine/onnx-engine.ts";
import { layersModelFiles } from "../trainer/export/layers-model.ts";
import type { Generator } from "../trainer/generators/generator.ts";
import { GENERATORS } from "../trainer/generators/index.ts";

const LATENT_SIZE = 6;
const ADAM = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0, averageDecay: 0 };

/** TF.js's CPU backend has a wrong gradient of upsampling for more than one image, so there it is one. */
const CASES = [
  { kind: "dcgan", shape: [28, 28, 1], channels: [12, 8], batch: 3 },
  { kind: "dcgan", shape: [32, 32, 3], channels: [12, 8, 6], batch: 3 },
  { kind: "upsample-conv", shape: [28, 28, 1], channels: [12, 8], batch: 1 },
  { kind: "upsample-conv", shape: [32, 32, 3], channels: [12, 8, 6], batch: 1 },
] as const;

let before: string;
beforeAll(async () => {
  before = tf.getBackend();
  await tf.setBackend("cpu");
});
afterAll(async () => {
  if (before) await tf.setBackend(before);
});

describe.each(CASES)("$kind, $shape", ({ kind, shape, channels, batch }) => {
  test.each(["relu", "leaky-relu", "tanh"] as const)(
    "%s: gradients within 1e-4 of TF.js's",
    async (activation) => {
      const generator = GENERATORS[kind]!({
        latentSize: LATENT_SIZE,
        hidden: [10],
        channels,
        activation,
        outputShape: shape,
        outputActivation: "sigmoid",
      });
      const random = createRandom(4);
      // Biases too, which begin at 0.
      const weights = generator.initialParameters(random).map((each) => ({
        ...each,
        values:
          each.shape.length > 1 ? each.values : random.fillNormal(each.values).map((value) => 0.1 * value),
      }));
      const latents = random.fillNormal(new Float32Array(batch * LATENT_SIZE));
      const targets = new Float32Array(batch * generator.outputSize).map(() => random.uniform());

      const ours = await gradientsOf(generator, weights, { latents, targets }, batch);
      const theirs = await tfjsGradients(
        generator,
        weights,
        { latents, targets },
        { kind: "image", shape: [...shape], range: [0, 1] },
      );
      expect(Math.abs(ours.loss / theirs.loss - 1)).toBeLessThan(1e-5);
      for (const { name } of weights) {
        const expected = theirs.gradients[name]!;
        const actual = ours.gradients[name]!;
        expect(actual).toHaveLength(expected.length);
        const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
        expect(largest).toBeGreaterThan(0);
        const farthest = expected.reduce((most, value, i) => Math.max(most, Math.abs(value - actual[i]!)), 0);
        expect(farthest / largest, name).toBeLessThan(1e-4);
      }
    },
  );
});

interface Batch {
  readonly latents: Float32Array<ArrayBuffer>;
  readonly targets: Float32Array<ArrayBuffer>;
}

interface Found {
  readonly loss: number;
  readonly gradients: Readonly<Record<string, Float32Array>>;
}

async function gradientsOf(
  generator: Generator,
  weights: readonly InitialParameter[],
  feeds: Batch,
  batch: number,
): Promise<Found> {
  const samples = generator.apply(input("latents", [batch, LATENT_SIZE]));
  const loss = mean(square(subtract(samples, input("targets", [batch, generator.outputSize]))));
  const leaves = topologicalOrder([loss]).filter(({ op }) => op === "parameter");
  const program: Record<string, Tensor> = { loss };
  for (const [i, gradient] of differentiate(loss, leaves).entries()) {
    program[`gradient:${leaves[i]!.attributes["name"]}`] = gradient;
  }
  const engine = createOnnxEngine();
  const parameters = await engine.createParameters(weights, ADAM);
  const executable = await engine.compile(program, { parameters, use: "weights" });
  const found = await executable.run({ ...feeds });
  await engine.dispose();
  const gradients = weights.map(({ name }) => [name, found[`gradient:${name}`] as Float32Array]);
  return { loss: found["loss"]![0]!, gradients: Object.fromEntries(gradients) };
}

async function tfjsGradients(
  { layers, latentSize }: Generator,
  weights: readonly InitialParameter[],
  { latents, targets }: Batch,
  output: OutputSpec,
): Promise<Found> {
  const values = Object.fromEntries(weights.map((each) => [each.name, each.values]));
  const files = new Map(
    layersModelFiles(layers, latentSize, output, values).map(({ path, bytes }) => [path, bytes]),
  );
  const json = JSON.parse(new TextDecoder().decode(files.get("model.json"))) as tf.io.ModelJSON;
  const model: LayersModel = await loadLayersModel({
    load: async () => ({
      modelTopology: json.modelTopology,
      weightSpecs: json.weightsManifest[0]!.weights,
      weightData: files.get("weights.0.bin")!.slice().buffer,
    }),
  });
  const x = tf.tensor2d(latents, [latents.length / latentSize, latentSize]);
  const y = tf.tensor(targets, [x.shape[0], ...output.shape]);
  const variables = model.trainableWeights.map((weight) => weight.read() as tf.Variable);
  const { value, grads } = tf.variableGrads(
    () => tf.mean(tf.squaredDifference(model.apply(x, { training: true }) as tf.Tensor, y)) as tf.Scalar,
    variables,
  );
  const gradients = Object.fromEntries(
    weights.map(({ name }, i) => [name, grads[variables[i]!.name]!.dataSync<"float32">()]),
  );
  const found = { loss: value.dataSync()[0]!, gradients };
  tf.dispose([x, y, value, grads]);
  model.dispose();
  return found;
}
