import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createRandom } from "../shared/random.ts";
import { type Config, resolveConfig } from "../trainer/config.ts";
import type { Dataset } from "../trainer/data/dataset.ts";
import { loadDataset } from "../trainer/data/index.ts";
import { modelSpaceOf } from "../trainer/data/model-space.ts";
import type { Engine, Parameters, ParameterValues } from "../trainer/engine/engine.ts";
import { createEngine } from "../trainer/engine/index.ts";
import { createSeededSampler, foldModelSpace } from "../trainer/generators/frozen.ts";
import type { Generator } from "../trainer/generators/generator.ts";
import { GENERATORS } from "../trainer/generators/index.ts";
import { InputError } from "../trainer/input-error.ts";
import { measureModes } from "../trainer/metrics/modes.ts";
import { OBJECTIVES } from "../trainer/objectives/index.ts";
import type { Training } from "../trainer/objectives/objective.ts";
import { readCheckpoint, writeCheckpoint } from "../trainer/run/checkpoint.ts";
import { type Budget, createBudget, learningRateAt, upcomingLearningRates } from "../trainer/schedule.ts";

let engine: Engine;
const folder = mkdtempSync(join(tmpdir(), "imle-objectives-"));
beforeAll(async () => {
  ({ engine } = await createEngine("auto"));
});
afterAll(async () => {
  await engine.dispose();
  rmSync(folder, { recursive: true });
});

interface Run {
  readonly generator: Generator;
  readonly parameters: Parameters;
  readonly training: Training;
  steps(first: number, count: number): Promise<number[]>;
}

/** Gets ready as `train.ts` does. */
async function prepare(dataset: Dataset, config: Config, weights?: ParameterValues): Promise<Run> {
  const random = createRandom(config.seed);
  const generator = GENERATORS[config.generator.kind]!({
    ...config.generator,
    outputShape: dataset.shape,
    outputActivation: "linear",
  });
  const initial = generator.initialParameters(random.fork("weights"));
  const parameters = await engine.createParameters(
    initial.map((each) => ({ ...each, values: weights?.[each.name] ?? each.values })),
    config.optimiser,
  );
  const training = await OBJECTIVES[config.objective.name]!.prepare({
    engine,
    generator,
    parameters,
    train: dataset.train,
    shape: dataset.shape,
    space: modelSpaceOf(dataset),
    config,
    random: random.fork("training"),
  });
  const steps = async (first: number, count: number) => {
    const losses: number[] = [];
    for (let step = first; step < first + count; step++) {
      const rate = learningRateAt(config.optimiser, step / config.budget.steps!, step);
      losses.push(...(await training.run([rate])).losses);
    }
    return losses;
  };
  return { generator, parameters, training, steps };
}

/** Vectors as a data set. */
function vectors(values: readonly number[], length = 1): Dataset {
  const rows = {
    count: values.length / length,
    length,
    values: Float32Array.from(values),
    labels: null,
  };
  return {
    name: "vectors",
    kind: "vector",
    shape: [length],
    labelNames: null,
    train: rows,
    heldOut: { ...rows, count: 0, values: new Float32Array(0) },
    test: null,
    modes: null,
  };
}

/** One dense layer that gives the latent itself, so that the matched latents are the matched samples. */
const IDENTITY = { "dense0/kernel": Float32Array.of(1), "dense0/bias": Float32Array.of(0) };
const identity = (...set: string[]) =>
  resolveConfig("ring", {
    objective: "imle",
    set: ["generator.latentSize=1", "generator.hidden=[]", ...set],
  });

describe("on the ring", () => {
  test.each([
    ["imle", ["poolSize=32", "subsetSize=128"]],
    ["rs-imle", ["poolSize=2000", "subsetSize=1024", "rejectionRadius=0.1"]],
  ])("%s reaches all 8 modes in a short run", async (objective, settings) => {
    const dataset = await loadDataset({ name: "ring", seed: 1 });
    const config = resolveConfig("ring", {
      objective,
      budget: { steps: 3_000 },
      set: [
        "generator.hidden=[128,128]",
        "optimiser.learningRate=0.005",
        ...settings.map((each) => `objective.${each}`),
      ],
    });
    const { generator, parameters, training, steps } = await prepare(dataset, config);
    await steps(0, 3_000);
    const { average } = await parameters.read();
    const frozen = foldModelSpace({ ...generator, weights: average }, modelSpaceOf(dataset));
    const sampler = await createSeededSampler(engine, frozen);
    const coverage = measureModes(await sampler.sample(1, 0, 2_500), dataset.modes!, 2);
    await sampler.dispose();
    await training.dispose();
    expect(coverage.modesCovered).toBe(8);
    expect(coverage.highQualityShare).toBeGreaterThan(0.08);
  });
});

describe("matching", () => {
  // 38 examples near −0.2, and 2 so far out that few latents come near them.
  const values = [...Array.from({ length: 38 }, (_, i) => -0.21 + i * 0.0005), 8, 8.1];
  const dataset = vectors(values);
  const inModelSpace = modelSpaceOf(dataset).gather(dataset.train, [...values.keys()]);
  const oneRound = ["objective.subsetSize=40", "objective.batchSize=8", "objective.passes=1"];

  /** What the first round matched: pairs of an example and the sample that it picked. */
  async function firstRound(config: Config) {
    const { training, steps } = await prepare(dataset, config, IDENTITY);
    await steps(0, 1);
    const { examples, latents } = training.state().arrays;
    await training.dispose();
    return Array.from(examples!, (example, i) => ({
      example,
      target: inModelSpace[example]!,
      sample: latents![i]!,
    }));
  }

  test("every example picks its nearest sample, so none goes unmatched", async () => {
    const pairs = await firstRound(identity(...oneRound, "objective.poolSize=30"));
    expect(pairs.map(({ example }) => example).sort((a, b) => a - b)).toEqual([...values.keys()]);
    for (const { target, sample } of pairs) {
      for (const other of pairs) {
        expect(Math.abs(sample - target)).toBeLessThanOrEqual(Math.abs(other.sample - target) + 1e-6);
      }
    }
    // Both far examples pick the outermost sample, which lies nearer to the many by far.
    const outermost = Math.max(...pairs.map(({ sample }) => sample));
    const far = pairs.filter(({ example }) => example >= 38);
    expect(far.map(({ sample }) => sample)).toEqual([outermost, outermost]);
    expect(far[0]!.target - outermost).toBeGreaterThan(outermost - inModelSpace[0]!);
  });

  test("a larger pool holds nearer samples", async () => {
    const gap = async (poolSize: number) => {
      const pairs = await firstRound(identity(...oneRound, `objective.poolSize=${poolSize}`));
      const near = pairs.filter(({ example }) => example < 38);
      return near.reduce((sum, { target, sample }) => sum + Math.abs(sample - target), 0);
    };
    const [small, large] = [await gap(3), await gap(3_000)];
    expect(large).toBeLessThan(small / 10);
  });

  test("rs-imle leaves out samples that are near to an example, unless all of them are", async () => {
    const withRadius = (radius: number) =>
      firstRound(
        identity(
          ...oneRound,
          "objective.name=rs-imle",
          "objective.poolSize=300",
          `objective.rejectionRadius=${radius}`,
        ),
      );
    const nearest = (pairs: Awaited<ReturnType<typeof firstRound>>) =>
      Math.min(...pairs.flatMap(({ sample }) => Array.from(inModelSpace, (x) => Math.abs(sample - x))));
    const unrestricted = await firstRound(identity(...oneRound, "objective.poolSize=300"));
    expect(nearest(unrestricted)).toBeLessThan(0.1);
    expect(nearest(await withRadius(0.5))).toBeGreaterThan(0.5);
    expect(await withRadius(100)).toEqual(unrestricted);
  });

  test("reverse: every sample picks its nearest example", async () => {
    const pairs = await firstRound(identity(...oneRound, "objective.name=reverse"));
    for (const { target, sample } of pairs) {
      for (const other of inModelSpace) {
        expect(Math.abs(sample - target)).toBeLessThanOrEqual(Math.abs(sample - other) + 1e-6);
      }
    }
    // Nobody comes near the two far out, so nobody is pulled there.
    expect(pairs.filter(({ example }) => example >= 38)).toEqual([]);
  });

  test("reverse, mixed: in the rest of the pairs the examples pick", async () => {
    const config = identity(...oneRound, "objective.name=reverse", "objective.reverseShare=0.25");
    const pairs = await firstRound(config);
    for (const { target, sample } of pairs.slice(0, 10)) {
      for (const other of inModelSpace) {
        expect(Math.abs(sample - target)).toBeLessThanOrEqual(Math.abs(sample - other) + 1e-6);
      }
    }
    const picking = pairs.slice(10);
    expect(new Set(picking.map(({ example }) => example)).size).toBe(30);
    for (const { target, sample } of picking) {
      for (const other of picking) {
        expect(Math.abs(sample - target)).toBeLessThanOrEqual(Math.abs(other.sample - target) + 1e-6);
      }
    }
  });

  describe("adaptive-imle", () => {
    const patient = ["objective.leastStaleness=2", "objective.mostStaleness=4"];
    /** The latents of the examples in every of so many rounds, by example. */
    async function roundsOf(count: number, ...set: string[]) {
      const config = identity(...oneRound, ...patient, "objective.name=adaptive-imle", ...set);
      const { training, steps } = await prepare(dataset, config, IDENTITY);
      const rounds: number[][] = [];
      for (let round = 0; round < count; round++) {
        await steps(0, 1);
        const { examples, latents } = training.state().arrays;
        const byExample: number[] = [];
        examples!.forEach((example, i) => {
          byExample[example] = latents![i]!;
        });
        rounds.push(byExample);
        await steps(0, 4);
      }
      await training.dispose();
      return rounds;
    }

    test("an example that doesn't get nearer keeps its sample for as many turns as it may", async () => {
      const rounds = await roundsOf(5, "optimiser.learningRate=1e-12", "objective.tightening=0.5");
      for (const round of [1, 2, 3]) expect(rounds[round]).toEqual(rounds[0]);
      expect(rounds[4]).not.toEqual(rounds[0]);
    });

    test("one that has got nearer picks again, but not at once", async () => {
      const eager = ["optimiser.learningRate=0.02", "optimiser.warmupSteps=0", "objective.poolSize=3"];
      const rounds = await roundsOf(3, ...eager);
      expect(rounds[1]).toEqual(rounds[0]);
      // The two far out come nearer at every step, with so few samples to pick from.
      for (const example of [38, 39]) expect(rounds[2]![example]).not.toBe(rounds[0]![example]);
    });
  });

  test("an epoch gives every example its turn once, each epoch in another order", async () => {
    const config = identity("objective.subsetSize=10", "objective.batchSize=5", "objective.passes=1");
    const { training, steps } = await prepare(dataset, config, IDENTITY);
    expect(training.stepsPerEpoch).toBe(4 * 2);
    const epochs: number[][] = [];
    for (let epoch = 0; epoch < 2; epoch++) {
      const seen: number[] = [];
      for (let round = 0; round < 4; round++) {
        await steps(0, 1);
        seen.push(...training.state().arrays["examples"]!);
        await steps(0, 1);
      }
      expect(seen.toSorted((a, b) => a - b)).toEqual([...values.keys()]);
      epochs.push(seen);
    }
    expect(epochs[0]).not.toEqual(epochs[1]);
    await training.dispose();
  });

  test("a step's loss is the mean squared distance of its pairs, per number of a sample", async () => {
    const one = vectors([1, 2, 3, 5]);
    const config = identity(
      "objective.subsetSize=4",
      "objective.batchSize=4",
      "objective.latentJitter=0",
      "objective.poolSize=5",
    );
    const { training, steps } = await prepare(one, config, IDENTITY);
    const [loss] = await steps(0, 1);
    const { examples, latents } = training.state().arrays;
    const targets = modelSpaceOf(one).gather(one.train, examples!);
    const squared = Array.from(targets, (target, i) => (target - latents![i]!) ** 2);
    expect(loss).toBeCloseTo(squared.reduce((a, b) => a + b) / 4, 6);
    await training.dispose();
  });

  test("subsets and batches larger than the data become as large as the data", async () => {
    const config = identity("objective.subsetSize=5000", "objective.batchSize=999", "objective.passes=3");
    const { training, steps } = await prepare(dataset, config, IDENTITY);
    expect(training.stepsPerEpoch).toBe(3);
    expect((await steps(0, 4)).every(Number.isFinite)).toBe(true);
    await training.dispose();
  });
});

describe("what doesn't fit together is refused before training", () => {
  const dataset = vectors([1, 2, 3, 4]);

  test("rs-imle without a radius", async () => {
    const config = identity("objective.name=rs-imle", "objective.rejectionRadius=null");
    const refusal = prepare(dataset, config);
    await expect(refusal).rejects.toThrow(InputError);
    await expect(refusal).rejects.toThrow(/"rs-imle" needs objective\.rejectionRadius.*--set/);
  });

  test("a searcher and a distance that it can't search by", async () => {
    const refusal = prepare(dataset, identity("objective.distance=l1", "objective.searcher=hnsw"));
    await expect(refusal).rejects.toThrow(InputError);
    await expect(refusal).rejects.toThrow('searcher "hnsw" supports l2, got distance "l1"');
  });
});

describe.each(Object.keys(OBJECTIVES))("%s", (objective) => {
  const config = (seed = 5, ...set: string[]) =>
    resolveConfig("ring", {
      objective,
      seed,
      budget: { steps: 30 },
      set: [
        "generator.hidden=[16]",
        "objective.poolSize=50",
        "objective.subsetSize=20",
        "objective.batchSize=5",
        "objective.passes=2",
        "objective.latentJitter=0.05",
        "objective.rejectionRadius=0.05",
        ...set,
      ],
    });
  const ring = loadDataset({ name: "ring", seed: 1 });
  const ROUND = 8; // steps

  async function trained(which: Config, count = 30) {
    const { parameters, training, steps } = await prepare(await ring, which);
    const losses = await steps(0, count);
    const state = await parameters.read();
    await training.dispose();
    return { losses, state };
  }

  test("the same seed gives the same weights to the last bit, another seed others", async () => {
    const [first, again, other] = [
      await trained(config()),
      await trained(config()),
      await trained(config(6)),
    ];
    expect(again).toEqual(first);
    expect(other.state.weights).not.toEqual(first.state.weights);
    expect(other.losses).not.toEqual(first.losses);
  });

  test("many steps at once, through several rounds, are the steps one by one", async () => {
    const { optimiser } = config();
    const rates = Array.from({ length: 30 }, (_, step) => learningRateAt(optimiser, step / 30, step));
    const { parameters, training } = await prepare(await ring, config());
    const { losses } = await training.run(rates);
    expect({ losses, state: await parameters.read() }).toEqual(await trained(config()));
    await training.dispose();
  });

  test("learns", async () => {
    const eager = ["optimiser.warmupSteps=0", "optimiser.learningRate=0.01", "budget.steps=300"];
    const { losses } = await trained(config(5, ...eager), 300);
    const mean = (part: number[]) => part.reduce((a, b) => a + b) / part.length;
    expect(mean(losses.slice(-50))).toBeLessThan(mean(losses.slice(0, 50)) / 2);
  });

  test.each([
    ["before the first step", 0],
    ["within a round", 3],
    ["within a later round, in its second pass", ROUND + 5],
    ["between rounds", 2 * ROUND],
  ])("resumed %s from a checkpoint file, it ends with the same bits", async (_, pause) => {
    const whole = await trained(config());
    const before = await prepare(await ring, config());
    const losses = await before.steps(0, pause);
    const path = join(folder, `${objective}-${pause}.ckpt`);
    await writeCheckpoint(path, {
      stepCount: pause,
      elapsedSeconds: 1.5,
      parameters: await before.parameters.read(),
      training: before.training.state(),
    });
    await before.training.dispose();

    const checkpoint = await readCheckpoint(path);
    const after = await prepare(await ring, config());
    await after.parameters.write(checkpoint.parameters);
    after.training.restore(checkpoint.training);
    losses.push(...(await after.steps(checkpoint.stepCount, 30 - pause)));
    expect({ losses, state: await after.parameters.read() }).toEqual(whole);
    await after.training.dispose();
  });

  test("also searches approximately", async () => {
    const { losses } = await trained(config(5, "objective.searcher=hnsw"), 12);
    expect(losses.every(Number.isFinite)).toBe(true);
  });
});

describe("the schedule", () => {
  const optimiser = {
    ...resolveConfig("ring").optimiser,
    learningRate: 0.5,
    finalLearningRateShare: 0.1,
    warmupSteps: 9,
  };

  test("warms up linearly and falls along a cosine to the final share", () => {
    const rate = (progress: number, step: number) => learningRateAt(optimiser, progress, step);
    expect(rate(0, 0)).toBeCloseTo(0.05, 12);
    expect(rate(0, 4)).toBeCloseTo(0.25, 12);
    expect(rate(0, 9)).toBeCloseTo(0.5, 12);
    expect(rate(0.5, 1_000)).toBeCloseTo(0.5 * 0.55, 12);
    expect(rate(0.25, 1_000)).toBeCloseTo(0.5 * (0.1 + 0.9 * 0.5 * (1 + Math.SQRT1_2)), 12);
    expect(rate(1, 1_000)).toBeCloseTo(0.05, 12);
    expect(learningRateAt({ ...optimiser, warmupSteps: 0 }, 0, 0)).toBe(0.5);
  });

  test("the rate is never above its peak nor below its floor, and never rises after the warm-up", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1000 }), fc.integer({ min: 1, max: 1000 }), (step, total) => {
        const rate = learningRateAt(optimiser, Math.min(1, step / total), step);
        expect(rate).toBeGreaterThan(0);
        expect(rate).toBeLessThanOrEqual(0.5);
        if (step >= 9) {
          expect(rate).toBeGreaterThanOrEqual(0.05 - 1e-12);
          const next = learningRateAt(optimiser, Math.min(1, (step + 1) / total), step + 1);
          expect(next).toBeLessThanOrEqual(rate);
        }
      }),
    );
  });

  test("rates come for as many steps as asked, up to the end of the budget", () => {
    const none = { steps: null, minutes: null, epochs: null };
    const rates = (budget: Budget, stepCount: number, elapsedSeconds: number) =>
      upcomingLearningRates(optimiser, budget, { stepCount, elapsedSeconds, count: 4 });
    const steps = createBudget({ ...none, steps: 10 }, 7);
    expect(rates(steps, 3, 1e9)).toEqual(
      [3, 4, 5, 6].map((step) => learningRateAt(optimiser, step / 10, step)),
    );
    expect(rates(steps, 8, 0)).toEqual([8, 9].map((step) => learningRateAt(optimiser, step / 10, step)));
    expect(rates(steps, 10, 0)).toEqual([]);
    const minutes = createBudget({ ...none, minutes: 1 }, 7);
    expect(rates(minutes, 20, 15)).toEqual(
      [20, 21, 22, 23].map((step) => learningRateAt(optimiser, 0.25, step)),
    );
    expect(rates(minutes, 0, 60)).toEqual([]);
  });

  test("budgets in steps, epochs and minutes", () => {
    const none = { steps: null, minutes: null, epochs: null };
    const steps = createBudget({ ...none, steps: 200 }, 7);
    expect(steps).toMatchObject({ unit: "steps", totalSteps: 200 });
    expect([0, 50, 200, 300].map((count) => steps.progress(count, 1e9))).toEqual([0, 0.25, 1, 1]);
    const epochs = createBudget({ ...none, epochs: 2.5 }, 7);
    expect(epochs).toMatchObject({ unit: "steps", totalSteps: 18 });
    expect([0, 9, 18].map((count) => epochs.progress(count, 1e9))).toEqual([0, 0.5, 1]);
    const minutes = createBudget({ ...none, minutes: 0.5 }, 7);
    expect(minutes).toMatchObject({ unit: "minutes", totalSteps: null });
    expect([0, 15, 30, 31].map((seconds) => minutes.progress(1e9, seconds))).toEqual([0, 0.5, 1, 1]);
  });
});
