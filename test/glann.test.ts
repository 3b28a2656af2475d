import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createRandom } from "../shared/random.ts";
import { type Config, resolveConfig } from "../trainer/config.ts";
import type { Dataset } from "../trainer/data/dataset.ts";
import { loadDataset } from "../trainer/data/index.ts";
import { modelSpaceOf } from "../trainer/data/model-space.ts";
import type { AdamSettings, Engine } from "../trainer/engine/engine.ts";
import { createEngine } from "../trainer/engine/index.ts";
import { createSeededSampler, type FrozenGenerator, foldModelSpace } from "../trainer/generators/frozen.ts";
import { generatorOf } from "../trainer/generators/generator.ts";
import { inSequence } from "../trainer/generators/in-sequence.ts";
import { NO_TRAINING } from "../trainer/generators/plain.ts";
import { createSampler } from "../trainer/generators/sampler.ts";
import { InputError } from "../trainer/input-error.ts";
import { createRowAdam } from "../trainer/objectives/row-adam.ts";
import { prepare, vectors } from "./objective-runs.ts";

let engine: Engine;
beforeAll(async () => {
  ({ engine } = await createEngine("auto"));
});
afterAll(() => engine.dispose());

/** Three clusters of six numbers that follow from two. */
const data = (() => {
  const random = createRandom(2);
  const centres = [
    [3, 0],
    [-2, 2],
    [-2, -2],
  ];
  const rows = Array.from({ length: 300 }, (_, i) => {
    const [a, b] = centres[i % 3]!.map((at) => at + 0.4 * random.normal()) as [number, number];
    return [a, b, a + b, a - b, 2 * a + b, b - 2 * a];
  });
  return vectors(rows.flat(), 6);
})();

const configOf = (steps: number, ...set: string[]): Config =>
  resolveConfig("ring", {
    objective: "glann",
    budget: { steps },
    set: [
      "generator.latentSize=2",
      "generator.hidden=[32]",
      "optimiser.warmupSteps=0",
      "optimiser.learningRate=0.005",
      "objective.codeLearningRate=0.01",
      "objective.batchSize=30",
      "objective.poolSize=600",
      "objective.subsetSize=300",
      "objective.latentJitter=0",
      "objective.mapHidden=[32]",
      "objective.mapLatentSize=2",
      ...set,
    ],
  });

/** What a model makes of latents: [n, outputSize]. */
async function outputsOf(model: FrozenGenerator, latents: Float32Array<ArrayBuffer>): Promise<Float32Array> {
  const generator = generatorOf(model.latentSize, model.layers);
  const initial = generator
    .initialParameters(createRandom(0))
    .map((each) => ({ ...each, values: model.weights[each.name]! }));
  const parameters = await engine.createParameters(initial, NO_TRAINING);
  const sampler = createSampler(engine, generator, { parameters, use: "weights" });
  const outputs = (await sampler.sample(latents)).slice();
  await sampler.dispose();
  return outputs;
}

const codesIn = async (training: {
  state(): Promise<{ arrays: Readonly<Record<string, ArrayLike<number>>> }>;
}) => (await training.state()).arrays["rows"] as Float32Array<ArrayBuffer>;

const normsOf = (codes: Float32Array, size: number) =>
  Array.from({ length: codes.length / size }, (_, i) =>
    Math.hypot(...codes.subarray(i * size, (i + 1) * size)),
  );

/** Mean distance of the rows of `from` to the nearest of `to`. */
function meanNearest(from: Float32Array, to: Float32Array, length: number): number {
  let total = 0;
  for (let i = 0; i < from.length; i += length) {
    let nearest = Number.POSITIVE_INFINITY;
    for (let j = 0; j < to.length; j += length) {
      let squared = 0;
      for (let k = 0; k < length; k++) squared += (from[i + k]! - to[j + k]!) ** 2;
      nearest = Math.min(nearest, squared);
    }
    total += Math.sqrt(nearest);
  }
  return total / (from.length / length);
}

describe("the codes", () => {
  const inModelSpace = (dataset: Dataset) =>
    modelSpaceOf(dataset).gather(
      dataset.train,
      Array.from({ length: dataset.train.count }, (_, i) => i),
    );

  test("begin as principal components, the longest of length 1", async () => {
    const { training } = await prepare(engine, data, configOf(10));
    const codes = await codesIn(training);
    await training.dispose();
    expect(Math.max(...normsOf(codes, 2))).toBeCloseTo(1, 5);
    // The data lie in a plane, so that nothing but their scale is lost.
    const rows = inModelSpace(data);
    const distance = (values: Float32Array, length: number, i: number, j: number) =>
      Math.hypot(...Array.from({ length }, (_, k) => values[i * length + k]! - values[j * length + k]!));
    const scale = distance(rows, 6, 0, 1) / distance(codes, 2, 0, 1);
    for (let i = 0; i < 40; i++) {
      const found = scale * distance(codes, 2, i, 299 - i);
      expect(Math.abs(found - distance(rows, 6, i, 299 - i))).toBeLessThan(1e-3);
    }
  });

  test("a step moves those of its batch, and no other", async () => {
    const { training, steps } = await prepare(engine, data, configOf(100));
    const before = await codesIn(training);
    await steps(0, 1);
    const after = await codesIn(training);
    await training.dispose();
    const moved = Array.from({ length: 300 }, (_, i) => i).filter(
      (i) => before[2 * i] !== after[2 * i] || before[2 * i + 1] !== after[2 * i + 1],
    );
    expect(moved.length).toBe(30);
  });

  test("stay in the unit ball, and come to stand for their examples", async () => {
    const config = configOf(1_500, "objective.codeShare=0.8", "objective.codeLearningRate=0.05");
    const { training, steps } = await prepare(engine, data, config);
    const losses = await steps(0, 1_100);
    const codes = await codesIn(training);
    await training.dispose();
    expect(Math.max(...normsOf(codes, 2))).toBeLessThan(1 + 1e-6);
    expect(losses[0]!).toBeGreaterThan(0.3);
    expect(losses.at(-1)!).toBeLessThan(0.01);
  });

  test("under more noise than they are long tell nothing", async () => {
    const { training, steps } = await prepare(engine, data, configOf(1_000, "objective.codeJitter=20"));
    const losses = await steps(0, 400);
    await training.dispose();
    const last = losses.slice(-100).reduce((a, b) => a + b) / 100;
    // The variance of the data in model space: nothing is better than their mean.
    expect(last).toBeGreaterThan(0.8);
  });

  test("are what the moments of a normalised generator are taken over", async () => {
    const config = configOf(1_000, "objective.codeShare=0.999", "generator.normalisation=batch");
    const { training, steps } = await prepare(engine, data, config);
    const losses = await steps(0, 999);
    const codes = await codesIn(training);
    const { layers, weights } = await training.model();
    await training.dispose();
    // The generator's layers follow on the map's two.
    const renamed = Object.entries(weights).flatMap(([name, values]) => {
      const [, at, part] = /^dense(\d+)\/(.*)$/.exec(name)!;
      return Number(at) < 2 ? [] : [[`dense${Number(at) - 2}/${part}`, values] as const];
    });
    const generator = { latentSize: 2, layers: layers.slice(2), weights: Object.fromEntries(renamed) };
    const made = await outputsOf(generator, codes);
    const rows = inModelSpace(data);
    const error = made.reduce((sum, value, i) => sum + (value - rows[i]!) ** 2, 0) / rows.length;
    const last = losses.slice(-50).reduce((a, b) => a + b) / 50;
    expect(error).toBeLessThan(2 * last + 0.005);
  });
});

test.each([
  ["imle", 3_000],
  ["gaussian-mixture", 800],
  ["local-gaussians", 800],
])("with a map by %s, samples lie near the data and the data near samples", async (mapObjective, count) => {
  const config = configOf(
    count,
    `objective.mapObjective=${mapObjective}`,
    "objective.components=3",
    "objective.cuts=4",
    "objective.codeShare=0.5",
  );
  const { training, steps } = await prepare(engine, data, config);
  // In closed form there is nothing to do but the codes.
  expect(training.stages).toEqual(mapObjective === "local-gaussians" ? undefined : [0.5, 0.5]);
  await steps(0, count);
  const sampler = await createSeededSampler(
    engine,
    foldModelSpace(await training.model(), modelSpaceOf(data)),
  );
  const samples = await sampler.sample(1, 0, 600);
  await sampler.dispose();
  await training.dispose();
  const examples = Float32Array.from(data.train.values);
  // The clusters lie 12 and more apart. IMLE leaves samples between them, but few.
  expect(meanNearest(examples, samples, 6)).toBeLessThan(1);
  expect(meanNearest(samples, examples, 6)).toBeLessThan(2);
});

test("a map in closed form is that of the codes, at any time", async () => {
  const config = configOf(200, "objective.mapObjective=local-gaussians");
  const { training, steps } = await prepare(engine, data, config);
  const meansOf = async () => (await training.model()).weights["dense2/kernel"]!;
  const first = await meansOf();
  const start = structuredClone(await training.state());
  await steps(0, 100);
  expect(await meansOf()).not.toEqual(first);
  await training.restore(start);
  expect(await meansOf()).toEqual(first);
  await training.dispose();
});

test("two models in sequence are the second one of what the first makes", async () => {
  const random = createRandom(5);
  const frozen = (latentSize: number, ...units: number[]): FrozenGenerator => {
    const layers = units.map((each) => ({
      kind: "dense" as const,
      units: each,
      activation: "tanh" as const,
    }));
    const parameters = generatorOf(latentSize, layers).initialParameters(random.fork(latentSize));
    return {
      latentSize,
      layers,
      weights: Object.fromEntries(parameters.map(({ name, values }) => [name, values])),
    };
  };
  const [first, second] = [frozen(3, 8, 4), frozen(4, 6, 6, 2)];
  const latents = random.fillNormal(new Float32Array(10 * 3));
  const both = inSequence(first, second);
  expect(both.layers.length).toBe(5);
  const apart = await outputsOf(second, Float32Array.from(await outputsOf(first, latents)));
  expect(await outputsOf(both, latents)).toEqual(apart);
});

test("a row's Adam is that of the steps in which the row has its turn", () => {
  const settings: AdamSettings = { ...NO_TRAINING, beta1: 0.9, beta2: 0.99, epsilon: 1e-8 };
  const table = createRowAdam(Float32Array.of(1, 2, 3, 4, 5, 6), 2, settings);
  table.update([2, 0], Float32Array.of(0.5, -1, 2, 0), 0.1);
  table.update([2], Float32Array.of(1, 1), 0.2);
  const adam = (start: number, turns: readonly (readonly [gradient: number, rate: number])[]) => {
    let [x, m, v] = [start, 0, 0];
    for (const [t, [gradient, rate]] of turns.entries()) {
      m = 0.9 * m + 0.1 * gradient;
      v = 0.99 * v + 0.01 * gradient ** 2;
      x -= (rate * (m / (1 - 0.9 ** (t + 1)))) / (Math.sqrt(v / (1 - 0.99 ** (t + 1))) + 1e-8);
    }
    return x;
  };
  const expected = [
    adam(1, [[2, 0.1]]),
    2,
    3,
    4,
    adam(5, [
      [0.5, 0.1],
      [1, 0.2],
    ]),
    adam(6, [
      [-1, 0.1],
      [1, 0.2],
    ]),
  ];
  for (const [i, value] of expected.entries()) expect(table.rows[i]).toBeCloseTo(value, 5);
});

describe("refused before training", () => {
  const refusal = async (dataset: Dataset, config: Config, message: string) => {
    const error = await prepare(engine, dataset, config).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(InputError);
    expect((error as Error).message).toContain(message);
    expect((error as Error).message).not.toContain("\n");
  };

  test("data that are no larger than a code", async () => {
    const ring = await loadDataset({ name: "ring", seed: 1 });
    await refusal(
      ring,
      configOf(10),
      'generator.latentSize is 2, an example has 2 numbers. Use objective "imle".',
    );
    await refusal(data, configOf(10, "generator.latentSize=9"), "Say --set generator.latentSize=3, or less.");
  });

  test("fewer examples than a code has numbers", () =>
    refusal(
      vectors([1, 2, 3, 4, 5, 6, 7, 8], 4),
      configOf(10, "generator.latentSize=3"),
      "the data have 2 examples",
    ));

  test("a map that doesn't fit the codes", () =>
    refusal(
      data,
      configOf(10, "objective.mapObjective=local-gaussians", "objective.cuts=10"),
      "objective.cuts 10 makes 1024 cells",
    ));
});
