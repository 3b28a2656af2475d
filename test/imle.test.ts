import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Config, resolveConfig } from "../trainer/config.ts";
import { loadDataset } from "../trainer/data/index.ts";
import { modelSpaceOf } from "../trainer/data/model-space.ts";
import type { Engine } from "../trainer/engine/engine.ts";
import { createEngine } from "../trainer/engine/index.ts";
import { createSeededSampler, foldModelSpace } from "../trainer/generators/frozen.ts";
import { InputError } from "../trainer/input-error.ts";
import { measureModes } from "../trainer/metrics/modes.ts";
import { prepare, vectors } from "./objective-runs.ts";

let engine: Engine;
beforeAll(async () => {
  ({ engine } = await createEngine("auto"));
});
afterAll(async () => {
  await engine.dispose();
});

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
    ["rs-imle", ["poolSize=2000", "subsetSize=1024", "rejectionRadius=0.1", "reverseShare=0"]],
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
    const { training, steps } = await prepare(engine, dataset, config);
    await steps(0, 3_000);
    const frozen = foldModelSpace(await training.model(), modelSpaceOf(dataset));
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
    const { training, steps } = await prepare(engine, dataset, config, IDENTITY);
    await steps(0, 1);
    const { examples, latents } = (await training.state()).arrays;
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
          "objective.reverseShare=0",
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

  test("rs-imle without a radius rejects samples as near to an example as examples are to each other", async () => {
    const many = [...oneRound, "objective.poolSize=20000"];
    const gaps = (pairs: Awaited<ReturnType<typeof firstRound>>) =>
      Math.min(...pairs.flatMap(({ sample }) => Array.from(inModelSpace, (x) => Math.abs(sample - x))));
    const step = inModelSpace[1]! - inModelSpace[0]!;
    expect(gaps(await firstRound(identity(...many)))).toBeLessThan(step / 4);
    const rejecting = identity(
      ...many,
      "objective.name=rs-imle",
      "objective.reverseShare=0",
      "objective.rejectionRadius=null",
    );
    const gap = gaps(await firstRound(rejecting));
    expect(gap).toBeGreaterThan(0.9 * step);
    // Half of the examples are asked, so the nearest of the other half may be some steps away.
    expect(gap).toBeLessThan(4 * step);
  });

  test("rs-imle, mixed: samples that are left pick too", async () => {
    const pairs = await firstRound(
      identity(
        ...oneRound,
        "objective.name=rs-imle",
        "objective.poolSize=300",
        "objective.rejectionRadius=0.5",
        "objective.reverseShare=0.25",
      ),
    );
    for (const { target, sample } of pairs.slice(0, 10)) {
      const distances = Array.from(inModelSpace, (other) => Math.abs(sample - other));
      expect(Math.min(...distances)).toBeGreaterThan(0.5);
      expect(Math.abs(sample - target)).toBeCloseTo(Math.min(...distances), 5);
    }
    const rest = pairs.slice(10);
    expect(new Set(rest.map(({ example }) => example)).size).toBe(30);
    // Among all samples, those near to the data too.
    expect(rest.filter(({ target, sample }) => Math.abs(sample - target) < 0.5).length).toBeGreaterThan(20);
  });

  test("rs-imle, mixed: where few samples are left, each picks several times", async () => {
    const settings = ["objective.name=rs-imle", "objective.poolSize=20", "objective.rejectionRadius=0.5"];
    const pairs = await firstRound(identity(...oneRound, ...settings, "objective.reverseShare=0.75"));
    const picking = pairs.slice(0, 30).map(({ sample }) => sample);
    const left = new Set(picking).size;
    expect(left).toBeLessThan(20); // some of them were near
    expect(left).toBeGreaterThan(0);
    for (const [i, sample] of picking.entries()) expect(sample).toBe(picking[i % left]);
    expect(new Set(pairs.slice(30).map(({ example }) => example)).size).toBe(10);
  });

  test("reverse: every sample picks its nearest example", async () => {
    const pairs = await firstRound(
      identity(...oneRound, "objective.name=reverse", "objective.reverseShare=null"),
    );
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
      const { training, steps } = await prepare(engine, dataset, config, IDENTITY);
      const rounds: number[][] = [];
      for (let round = 0; round < count; round++) {
        await steps(0, 1);
        const { examples, latents } = (await training.state()).arrays;
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
    const { training, steps } = await prepare(engine, dataset, config, IDENTITY);
    expect(training.stepsPerEpoch).toBe(4 * 2);
    const epochs: number[][] = [];
    for (let epoch = 0; epoch < 2; epoch++) {
      const seen: number[] = [];
      for (let round = 0; round < 4; round++) {
        await steps(0, 1);
        seen.push(...(await training.state()).arrays["examples"]!);
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
    const { training, steps } = await prepare(engine, one, config, IDENTITY);
    const [loss] = await steps(0, 1);
    const { examples, latents } = (await training.state()).arrays;
    const targets = modelSpaceOf(one).gather(one.train, examples!);
    const squared = Array.from(targets, (target, i) => (target - latents![i]!) ** 2);
    expect(loss).toBeCloseTo(squared.reduce((a, b) => a + b) / 4, 6);
    await training.dispose();
  });

  test("subsets and batches larger than the data become as large as the data", async () => {
    const config = identity("objective.subsetSize=5000", "objective.batchSize=999", "objective.passes=3");
    const { training, steps } = await prepare(engine, dataset, config, IDENTITY);
    expect(training.stepsPerEpoch).toBe(3);
    expect((await steps(0, 4)).every(Number.isFinite)).toBe(true);
    await training.dispose();
  });
});

describe("what doesn't fit together is refused before training", () => {
  const dataset = vectors([1, 2, 3, 4]);

  test("a searcher and a distance that it can't search by", async () => {
    const refusal = prepare(engine, dataset, identity("objective.distance=l1", "objective.searcher=hnsw"));
    await expect(refusal).rejects.toThrow(InputError);
    await expect(refusal).rejects.toThrow('searcher "hnsw" supports l2, got distance "l1"');
  });
});
