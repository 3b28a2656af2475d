import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createRandom } from "../shared/random.ts";
import { type Config, resolveConfig } from "../trainer/config.ts";
import type { Dataset } from "../trainer/data/dataset.ts";
import { modelSpaceOf } from "../trainer/data/model-space.ts";
import type { Engine } from "../trainer/engine/engine.ts";
import { createEngine } from "../trainer/engine/index.ts";
import { createDeviceEngine } from "../trainer/engine/onnx-device-engine.ts";
import { createSeededSampler, foldModelSpace } from "../trainer/generators/frozen.ts";
import { OBJECTIVES } from "../trainer/objectives/index.ts";
import { readCheckpoint, writeCheckpoint } from "../trainer/run/checkpoint.ts";
import { createBudget, upcomingSteps } from "../trainer/schedule.ts";
import { labelled, prepare, vectors } from "./objective-runs.ts";

let engine: Engine;
/** Several steps in one graph, as on a GPU, but on the CPU. */
const device = createDeviceEngine({ provider: "cpu", unroll: 4 });
const folder = mkdtempSync(join(tmpdir(), "imle-objectives-"));
beforeAll(async () => {
  ({ engine } = await createEngine("auto"));
});
afterAll(async () => {
  await engine.dispose();
  await device.dispose();
  rmSync(folder, { recursive: true });
});

/** Two clusters, classes as well, of five numbers that depend on two: small enough for all, and larger than a code. */
const data = (() => {
  const random = createRandom(9);
  const rows = Array.from({ length: 200 }, (_, i) => {
    const [a, b] = [(i % 2 === 0 ? 2 : -2) + 0.3 * random.normal(), random.normal()];
    return [a, b, a + b, a - b, b - 2 * a].map((value) => value + 0.05 * random.normal());
  });
  return labelled(
    vectors(rows.flat(), 5),
    rows.map((_, i) => i % 2),
    ["right", "left"],
  );
})();

const STEPS = 30;
const ROUND = 8; // steps of the IMLE family

describe.each(Object.keys(OBJECTIVES))("objective %s", (objective) => {
  const config = (seed = 5, ...set: string[]) =>
    resolveConfig("ring", {
      objective,
      seed,
      budget: { steps: STEPS },
      set: [
        "generator.latentSize=2",
        "generator.hidden=[16]",
        "objective.poolSize=50",
        "objective.subsetSize=20",
        "objective.batchSize=5",
        "objective.passes=2",
        "objective.latentJitter=0.05",
        "objective.rejectionRadius=0.05",
        "objective.mapHidden=[16]",
        "objective.components=3",
        ...set,
      ],
    });

  async function trained(which: Config, count = STEPS) {
    const { training, steps } = await prepare(engine, data, which);
    const losses = await steps(0, count);
    const state = await training.state();
    await training.dispose();
    return { losses, state };
  }

  test("the same seed gives the same state to the last bit", async () => {
    const [first, again] = [await trained(config()), await trained(config())];
    expect(again).toEqual(first);
  });

  test("another seed gives another model, unless there is but one", async () => {
    const modelOf = async (seed: number) => {
      const { training, steps } = await prepare(engine, data, config(seed));
      await steps(0, 5);
      const model = await training.model();
      await training.dispose();
      return model;
    };
    const hasOneAnswer = ["gaussian", "local-gaussians"].includes(objective);
    if (hasOneAnswer) expect(await modelOf(6)).toEqual(await modelOf(5));
    else expect(await modelOf(6)).not.toEqual(await modelOf(5));
  });

  test("many steps at once, through several rounds, are the steps one by one", async () => {
    const { optimiser, budget } = config();
    const { training } = await prepare(engine, data, config());
    const { stages } = training;
    const losses: number[] = [];
    while (losses.length < STEPS) {
      const at = { stepCount: losses.length, elapsedSeconds: 0, count: STEPS, stages };
      const next = upcomingSteps(optimiser, createBudget(budget, training.stepsPerEpoch), at);
      losses.push(...(await training.run(next.learningRates, next.stage)).losses);
    }
    expect({ losses, state: await training.state() }).toEqual(await trained(config()));
    await training.dispose();
  });

  test("several steps in one graph of a device are the steps one by one, up to rounding", async () => {
    const { training } = await prepare(device, data, config());
    const losses: number[] = [];
    while (losses.length < STEPS) {
      const at = { stepCount: losses.length, elapsedSeconds: 0, count: training.unroll };
      const budget = createBudget(config().budget, training.stepsPerEpoch);
      const next = upcomingSteps(config().optimiser, budget, { ...at, stages: training.stages });
      losses.push(...(await training.run(next.learningRates, next.stage)).losses);
    }
    await training.dispose();
    const expected = await trained(config());
    for (const [step, loss] of losses.entries()) {
      expect(Math.abs(loss - expected.losses[step]!), `step ${step}`).toBeLessThan(1e-4);
    }
  });

  test("learns: samples of its model come to lie near the data", async () => {
    const steps = 1_500;
    const eager = [`budget.steps=${steps}`, "objective.batchSize=20", "generator.hidden=[32]"];
    const calm = ["optimiser.learningRate=0.005", "optimiser.beta1=0.5"]; // as an adversary needs it
    const run = await prepare(engine, data, config(5, ...eager, ...calm));
    expect((await run.steps(0, steps)).every(Number.isFinite)).toBe(true);
    const space = modelSpaceOf(data);
    const sampler = await createSeededSampler(engine, foldModelSpace(await run.training.model(), space));
    const samples = await sampler.sample(1, 0, 500);
    await sampler.dispose();
    await run.training.dispose();
    // What data of these means and deviations would be without any shape.
    const { scale, shift } = space.affine!;
    const shapeless = createRandom(1)
      .fillNormal(new Float32Array(samples.length))
      .map((value, i) => shift[i % 5]! + scale[i % 5]! * value);
    expect(meanDistance(samples, data)).toBeLessThan(meanDistance(shapeless, data) / 2);
  });

  test.each([
    ["before the first step", 0],
    ["within a round", 3],
    ["within a later round, in its second pass", ROUND + 5],
    ["between rounds", 2 * ROUND],
  ])("resumed %s from a checkpoint file, it ends with the same bits", async (_, pause) => {
    const whole = await trained(config());
    const before = await prepare(engine, data, config());
    const losses = await before.steps(0, pause);
    const path = join(folder, `${objective}-${pause}.ckpt`);
    await writeCheckpoint(path, {
      stepCount: pause,
      elapsedSeconds: 1.5,
      loss: losses.at(-1) ?? null,
      training: await before.training.state(),
    });
    await before.training.dispose();

    const checkpoint = await readCheckpoint(path);
    const after = await prepare(engine, data, config());
    await after.training.restore(checkpoint.training);
    losses.push(...(await after.steps(checkpoint.stepCount, STEPS - pause)));
    expect({ losses, state: await after.training.state() }).toEqual(whole);
    await after.training.dispose();
  });

  test("a state that was asked for stays as it was while training goes on", async () => {
    const { training, steps } = await prepare(engine, data, config());
    await steps(0, 2);
    const state = await training.state();
    const then = structuredClone(state);
    await steps(2, 20);
    expect(state).toEqual(then);
    await training.dispose();
  });

  test("also searches approximately, where it searches", async () => {
    const { losses } = await trained(config(5, "objective.searcher=hnsw"), 25);
    expect(losses.every(Number.isFinite)).toBe(true);
  });
});

/** Of a sample from the nearest training example. */
function meanDistance(samples: Float32Array, { train }: Dataset): number {
  const { values, length } = train;
  let total = 0;
  for (let i = 0; i < samples.length; i += length) {
    let nearest = Number.POSITIVE_INFINITY;
    for (let j = 0; j < values.length; j += length) {
      let squared = 0;
      for (let k = 0; k < length; k++) squared += (samples[i + k]! - values[j + k]!) ** 2;
      nearest = Math.min(nearest, squared);
    }
    total += Math.sqrt(nearest);
  }
  return total / (samples.length / length);
}
