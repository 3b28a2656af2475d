import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createRandom } from "../shared/random.ts";
import { resolveConfig } from "../trainer/config.ts";
import type { Dataset } from "../trainer/data/dataset.ts";
import { loadDataset } from "../trainer/data/index.ts";
import { modelSpaceOf } from "../trainer/data/model-space.ts";
import type { Engine } from "../trainer/engine/engine.ts";
import { createEngine } from "../trainer/engine/index.ts";
import { createSeededSampler, foldModelSpace } from "../trainer/generators/frozen.ts";
import { InputError } from "../trainer/input-error.ts";
import { measureModes } from "../trainer/metrics/modes.ts";
import type { Training } from "../trainer/objectives/objective.ts";
import { prepare, vectors } from "./objective-runs.ts";

let engine: Engine;
beforeAll(async () => {
  ({ engine } = await createEngine("auto"));
});
afterAll(() => engine.dispose());

const configOf = (objective: string, budget: { readonly steps: number }, ...set: string[]) =>
  resolveConfig("ring", { objective, budget, set });

/** In the data's units: [count, length]. */
async function samplesOf(training: Training, dataset: Dataset, count: number): Promise<Float32Array> {
  const model = foldModelSpace(await training.model(), modelSpaceOf(dataset));
  const sampler = await createSeededSampler(engine, model);
  const samples = await sampler.sample(1, 0, count);
  await sampler.dispose();
  return samples;
}

function momentsOf(values: ArrayLike<number>): { mean: number; deviation: number } {
  const list = Array.from(values);
  const mean = list.reduce((a, b) => a + b) / list.length;
  return { mean, deviation: Math.sqrt(list.reduce((sum, x) => sum + (x - mean) ** 2, 0) / list.length) };
}

const log2Pi = Math.log(2 * Math.PI);

describe("gaussian", () => {
  test("of N(0, 1) and N(16, 1) has mean 8 and deviation √65, where no data are", async () => {
    const dataset = await loadDataset({ name: "mixture1d", seed: 1 });
    const { training } = await prepare(engine, dataset, configOf("gaussian", { steps: 1 }));
    const { weights } = foldModelSpace(await training.model(), modelSpaceOf(dataset));
    // To four standard errors of 10,000 examples.
    expect(Math.abs(weights["dense0/bias"]![0]! - 8)).toBeLessThan(0.33);
    expect(Math.abs(weights["dense0/kernel"]![0]! - Math.sqrt(65))).toBeLessThan(0.06);
  });

  test("has the data's covariance, by as many latents as that has rank", async () => {
    const random = createRandom(3);
    const rows = Array.from({ length: 500 }, () => {
      const [a, b] = [random.normal(), 3 * random.normal()];
      return [a, a + b, 7, b, a - 2 * b];
    });
    const dataset = vectors(rows.flat(), 5);
    const { training, steps } = await prepare(engine, dataset, configOf("gaussian", { steps: 3 }));
    const { latentSize, weights } = foldModelSpace(await training.model(), modelSpaceOf(dataset));
    expect(latentSize).toBe(2);
    const kernel = weights["dense0/kernel"]!;
    const bias = weights["dense0/bias"]!;
    const mean = bias.map((_, i) => momentsOf(rows.map((row) => row[i]!)).mean);
    for (let i = 0; i < 5; i++) {
      expect(bias[i]).toBeCloseTo(mean[i]!, 4);
      for (let j = 0; j < 5; j++) {
        const expected = momentsOf(rows.map((row) => (row[i]! - mean[i]!) * (row[j]! - mean[j]!))).mean;
        expect(kernel[i]! * kernel[j]! + kernel[5 + i]! * kernel[5 + j]!).toBeCloseTo(expected, 3);
      }
    }
    expect(new Set(await steps(0, 3)).size).toBe(1);
  });

  test("examples too long for their covariance are refused", async () => {
    const long = prepare(
      engine,
      vectors(new Array(3_000).fill(1), 3_000),
      configOf("gaussian", { steps: 1 }),
    );
    await expect(long).rejects.toThrow(InputError);
    await expect(long).rejects.toThrow(/up to 2048 numbers, these have 3000\. .*mapObjective=gaussian\.$/);
  });
});

describe("gaussian-mixture", () => {
  const mixture = (components: number) =>
    configOf("gaussian-mixture", { steps: 100 }, `objective.components=${components}`);

  test("of N(0, 1) and N(16, 1) recovers both, and their likelihood", async () => {
    const dataset = await loadDataset({ name: "mixture1d", seed: 1 });
    const { training, steps } = await prepare(engine, dataset, mixture(2));
    const losses = await steps(0, 100);
    const samples = await samplesOf(training, dataset, 4_000);
    const [low, high] = [samples.filter((x) => x < 8), samples.filter((x) => x >= 8)];
    expect(Math.abs(low.length / 4_000 - 0.5)).toBeLessThan(0.04);
    for (const [part, centre] of [
      [low, 0],
      [high, 16],
    ] as const) {
      expect(Math.abs(momentsOf(part).mean - centre)).toBeLessThan(0.12);
      expect(Math.abs(momentsOf(part).deviation - 1)).toBeLessThan(0.08);
    }
    // Entropy of a unit Gaussian and of the choice, in units of the data's deviation.
    const entropy = 0.5 * (log2Pi + 1) + Math.LN2 - Math.log(Math.sqrt(65));
    expect(Math.abs(losses.at(-1)! - entropy)).toBeLessThan(0.03);
    for (let i = 1; i < losses.length; i++) expect(losses[i]!).toBeLessThan(losses[i - 1]! + 1e-5);
  });

  test.each([
    ["ring", 8],
    ["grid", 25],
  ])("finds every mode of %s, and nothing between them", async (name, components) => {
    const dataset = await loadDataset({ name, seed: 1 });
    const { training, steps } = await prepare(engine, dataset, mixture(components));
    await steps(0, 60);
    const found = measureModes(await samplesOf(training, dataset, 2_500), dataset.modes!, 2);
    expect(found.modesCovered).toBe(components);
    // 3σ hold 98.9 % of a Gaussian in the plane.
    expect(found.highQualityShare).toBeGreaterThan(0.975);
  });

  test("of one component is the Gaussian", async () => {
    const dataset = vectors([1, 0, 2, 1, 4, 7, 3, -1, 0, 2], 2);
    const { training, steps } = await prepare(engine, dataset, mixture(1));
    await steps(0, 3);
    const one = await prepare(engine, dataset, configOf("gaussian", { steps: 1 }));
    const covarianceOf = (values: Float32Array) => {
      const { mean: x } = momentsOf(values.filter((_, i) => i % 2 === 0));
      const { mean: y } = momentsOf(values.filter((_, i) => i % 2 === 1));
      const products = Array.from({ length: values.length / 2 }, (_, i) => {
        const [a, b] = [values[2 * i]! - x, values[2 * i + 1]! - y];
        return [a * a, a * b, b * b];
      });
      return [x, y, ...[0, 1, 2].map((at) => momentsOf(products.map((row) => row[at]!)).mean)];
    };
    const expected = covarianceOf(await samplesOf(one.training, dataset, 20_000));
    const found = covarianceOf(await samplesOf(training, dataset, 20_000));
    for (const [i, value] of found.entries()) expect(Math.abs(value - expected[i]!)).toBeLessThan(0.25);
  });

  test("examples too long for whole covariances, and more components than examples, are refused", async () => {
    const long = prepare(engine, vectors(new Array(400).fill(1), 200), mixture(2));
    await expect(long).rejects.toThrow(InputError);
    await expect(long).rejects.toThrow(/up to 128 numbers, these have 200\. .*--objective glann/);
    const few = prepare(engine, vectors([1, 2, 3]), mixture(4));
    await expect(few).rejects.toThrow(InputError);
    await expect(few).rejects.toThrow("objective.components is 4, the data have 3 examples");
  });
});

describe("vae", () => {
  test("linear, it reaches the likelihood of probabilistic PCA", async () => {
    // One factor: the correlations' eigenvalues are 1 + 2ρ and, twice, 1 − ρ.
    const random = createRandom(4);
    const rows = Array.from({ length: 4_000 }, () => {
      const factor = random.normal();
      return [0, 1, 2].map(() => 2 * factor + random.normal());
    });
    const dataset = vectors(rows.flat(), 3);
    const config = configOf(
      "vae",
      { steps: 3_000 },
      "generator.latentSize=1",
      "generator.hidden=[]",
      "objective.mirrorHidden=[]",
      "optimiser.learningRate=0.01",
    );
    const { training, steps } = await prepare(engine, dataset, config);
    const losses = await steps(0, 3_000);
    await training.dispose();
    const last = losses.slice(-500);
    const rho = 0.8;
    // Tipping & Bishop 1999: the noise is the mean of the eigenvalues that are left out.
    const expected = 0.5 * (log2Pi + 1 + (Math.log(1 + 2 * rho) + 2 * Math.log(1 - rho)) / 3);
    expect(Math.abs(last.reduce((a, b) => a + b) / last.length - expected)).toBeLessThan(0.02);
  });

  test("at an overwhelming weight of the divergence, every latent decodes to the mean", async () => {
    const dataset = await loadDataset({ name: "mixture1d", seed: 1 });
    const config = configOf(
      "vae",
      { steps: 1_000 },
      "generator.hidden=[]",
      "objective.mirrorHidden=[16]",
      "optimiser.learningRate=0.01",
      "objective.klWeight=1000",
      "objective.likelihoodScale=1",
    );
    const { training, steps } = await prepare(engine, dataset, config);
    await steps(0, 1_000);
    const { mean, deviation } = momentsOf(await samplesOf(training, dataset, 500));
    await training.dispose();
    expect(Math.abs(mean - 8)).toBeLessThan(1);
    expect(deviation).toBeLessThan(1);
  });
});

describe("gan", () => {
  /** z ↦ 0.1·z + 3 at the start; the data are standard normal numbers. */
  const FAR = { "dense0/kernel": Float32Array.of(0.1), "dense0/bias": Float32Array.of(3) };
  const random = createRandom(7);
  const normals = vectors(Array.from({ length: 2_000 }, () => random.normal()));
  const config = configOf(
    "gan",
    { steps: 1_500 },
    "generator.latentSize=1",
    "generator.hidden=[]",
    "objective.mirrorHidden=[16]",
    "optimiser.learningRate=0.01",
    "optimiser.beta1=0.5",
  );

  test("a linear generator gets to normal data from afar, until the discriminator can't tell", async () => {
    const { training, steps } = await prepare(engine, normals, config, FAR);
    const losses = await steps(0, 1_500);
    const { mean, deviation } = momentsOf(await samplesOf(training, normals, 4_000));
    expect(Math.abs(mean)).toBeLessThan(0.2);
    expect(Math.abs(deviation - 1)).toBeLessThan(0.1);
    // log 2 and 2·log 2: the discriminator says one half to everything.
    const last = momentsOf(losses.slice(-500)).mean;
    expect(Math.abs(last - Math.LN2)).toBeLessThan(0.05);
    const { figures } = await training.run([1e-6]);
    expect(Math.abs(figures!["discriminatorLoss"]! - 2 * Math.LN2)).toBeLessThan(0.05);
    await training.dispose();
  });

  test("each network learns from the other and leaves it as it is", async () => {
    const { training } = await prepare(engine, normals, config, FAR);
    const before = await training.state();
    const { figures } = await training.run([1e-3]);
    const after = await training.state();
    await training.dispose();
    for (const network of ["generator", "discriminator"]) {
      expect(after.parameters[network]!.stepCount).toBe(1);
      expect(after.parameters[network]!.weights).not.toEqual(before.parameters[network]!.weights);
    }
    expect(Object.keys(after.parameters["generator"]!.weights)).toEqual(["dense0/kernel", "dense0/bias"]);
    expect(figures!["gradientNorm"]).toBeGreaterThan(0);
  });
});
