/** `kill -9` at random moments: 6 here, 200 by `npm run test:faults`. */

import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { createRandom } from "../shared/random.ts";
import { openBundle } from "../trainer/bundle-reader.ts";
import { readCheckpoint } from "../trainer/run/checkpoint.ts";
import { exportedWeights, runIn, startTraining, tinyTraining } from "./train-process.ts";

const KILLS = Number(process.env["FAULT_KILLS"] ?? 6);
const root = mkdtempSync(join(tmpdir(), "imle-killed-"));
afterAll(() => rmSync(root, { recursive: true }));

/** Everything that lies where finished things lie is whole. */
async function expectNothingHalf(cwd: string, isReplaced: boolean): Promise<void> {
  const checkpoints = join(runIn(cwd), "checkpoints");
  for (const name of readdirSync(checkpoints).filter((file) => file.endsWith(".ckpt"))) {
    await readCheckpoint(join(checkpoints, name));
  }
  const isExported = existsSync(join(cwd, "dots"));
  if (isReplaced && !isExported) {
    // Between its two renames.
    expect(readdirSync(cwd).filter((name) => /^\.dots-\w+\.old$/.test(name)).length).toBe(1);
  }
  if (!isExported) return;
  const { manifest, read } = await openBundle(join(cwd, "dots"));
  for (const { path } of manifest.files) await read(path);
}

test(
  `after every one of ${KILLS} kills, --resume ends with the weights of the undisturbed run`,
  async () => {
    const args = [...tinyTraining(root), "--steps", "100", "--out", "dots"];
    let begunAt = 0;
    const begin = async (name: string) => {
      const cwd = join(root, name);
      mkdirSync(cwd);
      const training = startTraining(cwd, ...args);
      await training.told("run");
      begunAt = performance.now();
      return training;
    };

    const undisturbed = await begin("undisturbed");
    await undisturbed.told("evaluating");
    const evaluatedAt = performance.now();
    expect(await undisturbed.ended()).toMatchObject({ status: 0, stderr: "" });
    const milliseconds = { run: evaluatedAt - begunAt, evaluating: performance.now() - evaluatedAt };
    const expected = exportedWeights(join(root, "undisturbed/dots"));

    const random = createRandom(7);
    const killed = { training: 0, exporting: 0, ended: 0 };
    for (let kill = 0; kill < KILLS; kill++) {
      const cwd = join(root, `killed-${kill}`);
      const training = await begin(`killed-${kill}`);
      const since = kill % 2 === 0 ? "run" : "evaluating";
      const isReplaced = since === "evaluating";
      if (isReplaced) cpSync(join(root, "undisturbed/dots"), join(cwd, "dots"), { recursive: true });
      await training.told(since);
      await new Promise((resolve) => setTimeout(resolve, random.uniform() * milliseconds[since]));
      training.child.kill("SIGKILL");
      const { status, events } = await training.ended();
      const isExporting = events.some(({ event }) => event === "evaluating");
      killed[status === 0 ? "ended" : isExporting ? "exporting" : "training"] += 1;
      await expectNothingHalf(cwd, isReplaced);

      // What is compared below is what the resumed run writes.
      rmSync(join(cwd, "dots"), { recursive: true, force: true });
      const resumed = await startTraining(cwd, "--resume", runIn(cwd), "--out", "dots").ended();
      expect(resumed).toMatchObject({ status: 0, stderr: "" });
      await expectNothingHalf(cwd, true);
      expect(exportedWeights(join(cwd, "dots"))).toEqual(expected);
      expect(readdirSync(runIn(cwd))).not.toContain("lock.json");
      rmSync(cwd, { recursive: true });
    }
    console.log("killed while", killed);
    expect(killed.ended).toBeLessThan(KILLS);
  },
  Math.max(120, KILLS * 30) * 1000,
);
