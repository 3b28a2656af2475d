/** Training from code, with data, a generator and an objective that no registry knows. */

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { createRandom } from "../shared/random.ts";
import { openBundle } from "../trainer/bundle-reader.ts";
import { resolveConfig } from "../trainer/config.ts";
import type { Dataset } from "../trainer/data/dataset.ts";
import { shuffleAndSplit } from "../trainer/data/split.ts";
import { type Architecture, generatorOf } from "../trainer/generators/generator.ts";
import { imle } from "../trainer/objectives/imle.ts";
import type { Objective } from "../trainer/objectives/objective.ts";
import { createRunFolder, resumeRunFolder } from "../trainer/run/run-folder.ts";
import { train } from "../trainer/train.ts";

const folder = mkdtempSync(join(tmpdir(), "imle-parts-"));
afterAll(() => rmSync(folder, { recursive: true }));

const values = createRandom(1).fillNormal(new Float32Array(2 * 90)) as Float32Array<ArrayBuffer>;
const dataset: Dataset = {
  ...{ name: "dots", kind: "vector", shape: [2], labelNames: null, modes: null },
  ...shuffleAndSplit({ count: 90, length: 2, values, labels: null }, {}, 1, "dots"),
};
const architecture: Architecture = ({ latentSize, outputActivation }) =>
  generatorOf(latentSize, [
    { kind: "dense", units: 5, activation: "tanh" },
    { kind: "dense", units: 2, activation: outputActivation },
  ]);
const objective: Objective = { ...imle, name: "mine" };
const config = resolveConfig({
  engine: "cpu",
  objective: { poolSize: 40, batchSize: 10 },
  budget: { steps: 30 },
});
const newRun = () => createRunFolder(config, join(folder, "runs"));
const weightsOf = (bundle: string) => readFileSync(join(bundle, "weights.0.bin"));

test("the bundle tells what was handed over", async () => {
  const out = join(folder, "whole");
  await train({ config, out, folder: await newRun(), dataset, architecture, objective });
  const { manifest } = await openBundle(out);
  expect(manifest).toMatchObject({
    dataset: { name: "dots", trainCount: dataset.train.count },
    generator: { layers: [{ units: 5, activation: "tanh" }, { units: 2 }] },
    training: { objective: "mine", steps: 30, config: { preset: "custom" } },
  });
});

test("an interrupted run goes on with the same parts, and ends with the same weights", async () => {
  const out = join(folder, "resumed");
  const run = await newRun();
  const interruption = new AbortController();
  const reporter = {
    note() {},
    working() {},
    observed() {},
    close() {},
    training: ({ stepCount }: { stepCount: number }) => {
      if (stepCount >= 10) interruption.abort();
    },
  };
  const parts = { dataset, architecture, objective, out };
  const { interrupted } = await train({
    config,
    folder: run,
    reporter,
    signal: interruption.signal,
    ...parts,
  });
  expect(interrupted).toBe(true);
  const resumed = await resumeRunFolder(run.path);
  expect(resumed.checkpoint!.stepCount).toBeLessThan(30);
  expect(await train({ ...resumed, ...parts })).toMatchObject({ interrupted: false });
  expect(weightsOf(out)).toEqual(weightsOf(join(folder, "whole")));
});
