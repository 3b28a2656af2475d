import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createRandom, sampleLatents } from "../shared/random.ts";
import { mean, square, subtract } from "../trainer/autodiff/operators.ts";
import { input } from "../trainer/autodiff/tensor.ts";
import type { Engine, Parameters } from "../trainer/engine/engine.ts";
import { createOnnxEngine } from "../trainer/engine/onnx-engine.ts";
import { createSeededSampler } from "../trainer/generators/frozen.ts";
import { type Generator, generatorOf } from "../trainer/generators/generator.ts";
import { GENERATORS } from "../trainer/generators/index.ts";
import { createPlainGenerator, readPlainWeights } from "../trainer/generators/plain.ts";
import { createSampler } from "../trainer/generators/sampler.ts";
import { interpret } from "./reference-engine.ts";

const LATENT_SIZE = 3;
const ADAM = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0, averageDecay: 0.5 };

function weightsOf(generator: Generator) {
  const random = createRandom(5);
  // Biases too, which begin at 0.
  return generator.initialParameters(random).map((each) => ({
    ...each,
    values: each.values.map((value) => value + 0.3 * random.normal()),
  }));
}

const create = (kind: string, outputShape: readonly number[] = [8, 4, 3]) =>
  GENERATORS[kind]!({
    latentSize: LATENT_SIZE,
    hidden: [7],
    channels: [5, 4],
    activation: "leaky-relu",
    normalisation: "batch",
    outputShape,
    outputActivation: "sigmoid",
  });

describe.each(Object.keys(GENERATORS))("%s", (kind) => {
  const generator = create(kind);
  const weights = weightsOf(generator);
  const latents = createRandom(6).fillNormal(new Float32Array(9 * LATENT_SIZE));
  const leaves = { latents, ...Object.fromEntries(weights.map(({ name, values }) => [name, values])) };
  const x = input("latents", [9, LATENT_SIZE]);

  test("the plain layers with the plain weights do the same, to 1e-9", () => {
    const { samples } = interpret({ samples: generator.apply(x) }, leaves);
    const plainWeights = interpret(generator.plainWeights!(x), leaves);
    expect(Object.keys(plainWeights).sort()).toEqual(weights.map(({ name }) => name).sort());
    const plain = generatorOf(LATENT_SIZE, generator.layers).apply(x);
    expectClose(interpret({ plain }, { latents, ...plainWeights }).plain, samples, 1e-9);
  });

  test("whatever the scale and offset of a hidden layer's sums, the samples are the same", () => {
    const { samples } = interpret({ samples: generator.apply(x) }, leaves);
    const name = weights[0]!.name;
    const scaled = { ...leaves, [name]: leaves[name as "latents"].map((value) => 50 * value) };
    expectClose(interpret({ samples: generator.apply(x) }, scaled).samples, samples, 1e-3);
  });
});

describe("on an engine", () => {
  const generator = create("dcgan");
  const source = (parameters: Parameters) => ({ parameters, use: "weights" }) as const;
  let engine: Engine;
  let parameters: Parameters;
  beforeAll(async () => {
    engine = createOnnxEngine({ threads: 1 });
    parameters = await engine.createParameters(weightsOf(generator), ADAM);
  });
  afterAll(() => engine.dispose());

  /** Samples in the form that is trained, of the latents whose moments the plain weights have. */
  async function trainedForm(count: number) {
    const latents = sampleLatents(0, 0, count, LATENT_SIZE);
    const samples = generator.apply(input("latents", [count, LATENT_SIZE]));
    const program = await engine.compile({ samples }, source(parameters));
    return { latents, samples: (await program.run({ latents }))["samples"]!.slice() };
  }

  test("sampled with plain weights: as in training within 1e-5, and each sample by itself", async () => {
    const plain = await createPlainGenerator(engine, generator, source(parameters));
    const sampler = createSampler(engine, plain.generator, plain.source);
    await plain.refresh();
    const { latents, samples } = await trainedForm(512);
    expectClose(await sampler.sample(latents), samples, 1e-5);
    const { outputSize } = generator;
    expectClose(
      await sampler.sample(latents.slice(10 * LATENT_SIZE, 13 * LATENT_SIZE)),
      samples.subarray(10 * outputSize, 13 * outputSize),
      1e-5,
    );
    await plain.dispose();
  });

  test("refreshed after a step of training, and exported, they are the trained ones again", async () => {
    const plain = await createPlainGenerator(engine, generator, source(parameters));
    const sampler = createSampler(engine, plain.generator, plain.source);
    await plain.refresh();
    const batch = {
      latents: sampleLatents(1, 0, 16, LATENT_SIZE),
      targets: new Float32Array(16 * generator.outputSize),
    };
    const samples = generator.apply(input("latents", [16, LATENT_SIZE]));
    const loss = mean(square(subtract(samples, input("targets", [16, generator.outputSize]))));
    const step = await engine.compileStep(loss, parameters);
    await step.run([{ feeds: batch, learningRate: 0.05 }]);

    const after = await trainedForm(512);
    const stale = (await sampler.sample(after.latents)).slice();
    await plain.refresh();
    expectClose(await sampler.sample(after.latents), after.samples, 1e-5);
    expect(farthest(stale, after.samples)).toBeGreaterThan(1e-3);

    const weights = await readPlainWeights(engine, generator, source(parameters));
    const exported = await createSeededSampler(engine, { ...generator, weights });
    expectClose(await exported.sample(0, 0, 512), after.samples, 1e-5);
    await plain.dispose();
  });
});

function farthest(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(actual.length).toBe(expected.length);
  return Array.from(actual).reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i]!)), 0);
}

function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, within: number): void {
  expect(farthest(actual, expected)).toBeLessThan(within);
}
