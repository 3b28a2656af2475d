import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Config, resolveConfig } from "../trainer/config.ts";
import { loadDataset } from "../trainer/data/index.ts";
import type { Engine } from "../trainer/engine/engine.ts";
import { createEngine } from "../trainer/engine/index.ts";
import { OBJECTIVES } from "../trainer/objectives/index.ts";
import { readCheckpoint, writeCheckpoint } from "../trainer/run/checkpoint.ts";
import { learningRateAt } from "../trainer/schedule.ts";
import { prepare } from "./objective-runs.ts";

let engine: Engine;
const folder = mkdtempSync(join(tmpdir(), "imle-objectives-"));
beforeAll(async () => {
  ({ engine } = await createEngine("auto"));
});
afterAll(async () => {
  await engine.dispose();
  rmSync(folder, { recursive: true });
});

describe.each(Object.keys(OBJECTIVES))("objective %s", (objective) => {
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
  const data = loadDataset({ name: "ring", seed: 1 });
  const ROUND = 8; // steps

  async function trained(which: Config, count = 30) {
    const { training, steps } = await prepare(engine, await data, which);
    const losses = await steps(0, count);
    const state = await training.state();
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
    expect(other.state.parameters).not.toEqual(first.state.parameters);
    expect(other.losses).not.toEqual(first.losses);
  });

  test("many steps at once, through several rounds, are the steps one by one", async () => {
    const { optimiser } = config();
    const rates = Array.from({ length: 30 }, (_, step) => learningRateAt(optimiser, step / 30, step));
    const { training } = await prepare(engine, await data, config());
    const { losses } = await training.run(rates);
    expect({ losses, state: await training.state() }).toEqual(await trained(config()));
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
    const before = await prepare(engine, await data, config());
    const losses = await before.steps(0, pause);
    const path = join(folder, `${objective}-${pause}.ckpt`);
    await writeCheckpoint(path, {
      stepCount: pause,
      elapsedSeconds: 1.5,
      training: await before.training.state(),
    });
    await before.training.dispose();

    const checkpoint = await readCheckpoint(path);
    const after = await prepare(engine, await data, config());
    await after.training.restore(checkpoint.training);
    losses.push(...(await after.steps(checkpoint.stepCount, 30 - pause)));
    expect({ losses, state: await after.training.state() }).toEqual(whole);
    await after.training.dispose();
  });

  test("also searches approximately", async () => {
    const { losses } = await trained(config(5, "objective.searcher=hnsw"), 12);
    expect(losses.every(Number.isFinite)).toBe(true);
  });
});
