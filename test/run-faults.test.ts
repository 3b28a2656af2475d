/** Signals, and disks that can't be written, under a real training process. */

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readCheckpoint } from "../trainer/run/checkpoint.ts";
import { exportedWeights, runIn, startTraining, tinyTraining } from "./train-process.ts";

const root = mkdtempSync(join(tmpdir(), "imle-faults-"));
afterAll(() => rmSync(root, { recursive: true }));
const TINY = tinyTraining(root);

let folders = 0;
function newFolder(): string {
  const path = join(root, String(folders++));
  mkdirSync(path);
  return path;
}

test.each(["SIGTERM", "SIGHUP"] as const)("%s leaves a checkpoint and ends with 130", async (signal) => {
  const cwd = newFolder();
  const training = startTraining(cwd, ...TINY, "--steps", "100000");
  await training.told("progress");
  training.child.kill(signal);
  const { status, events, stderr } = await training.ended();
  expect([status, stderr]).toEqual([130, ""]);
  expect(events.at(-1)).toMatchObject({ event: "interrupted", run: runIn(cwd) });
  expect(readdirSync(runIn(cwd))).not.toContain("lock.json");
  const names = readdirSync(join(runIn(cwd), "checkpoints"));
  for (const name of names) await readCheckpoint(join(runIn(cwd), "checkpoints", name));
  expect(names.length).toBeGreaterThan(0);
});

test("a second signal ends it at once", async () => {
  const cwd = newFolder();
  const training = startTraining(cwd, ...TINY, "--steps", "100000");
  await training.told("progress");
  // Stopped, it gets both in one go.
  for (const signal of ["SIGSTOP", "SIGINT", "SIGTERM", "SIGCONT"] as const) training.child.kill(signal);
  const { status, events } = await training.ended();
  expect(status).toBe(130);
  expect(events.some(({ event }) => event === "interrupted")).toBe(false);
  expect(readdirSync(runIn(cwd))).not.toContain("lock.json");
});

test("while it is evaluated too, a signal ends it with 130; --resume exports", async () => {
  const cwd = newFolder();
  const training = startTraining(cwd, ...TINY, "--steps", "20", "--out", "dots");
  await training.told("evaluating");
  training.child.kill("SIGINT");
  const { status, events } = await training.ended();
  // The export of so small a model may have been over before.
  if (status === 0) return expect(events.at(-1)).toMatchObject({ event: "exported" });
  expect(status).toBe(130);
  expect(existsSync(join(cwd, "dots"))).toBe(false);
  const resumed = await startTraining(cwd, "--resume", runIn(cwd), "--out", "dots").ended();
  expect(resumed).toMatchObject({ status: 0, stderr: "" });
});

/** Calls `act` with a file system of 512 KiB; false: it takes root to have one. */
async function onTinyDisk(act: (disk: string, remount: (how: "ro" | "rw") => boolean) => Promise<void>) {
  const disk = newFolder();
  const mount = (...args: string[]) => spawnSync("mount", [...args, disk]).status === 0;
  if (!mount("-t", "tmpfs", "-o", "size=512k", "tiny")) return false;
  try {
    await act(disk, (how) => mount("-o", `remount,${how}`));
  } finally {
    spawnSync("umount", ["--lazy", disk]);
  }
  return true;
}

/** Uses up all room. */
function fill(disk: string): void {
  for (const size of [65536, 4096]) {
    for (let n = 0; ; n++) {
      const file = join(disk, `filler-${size}-${n}`);
      try {
        writeFileSync(file, new Uint8Array(size));
      } catch {
        break;
      }
    }
  }
}

const STEPS = "600";
const undisturbed = join(root, "undisturbed/dots");
beforeAll(async () => {
  const training = startTraining(newFolder(), ...TINY, "--steps", STEPS, "--out", undisturbed);
  expect(await training.ended()).toMatchObject({ status: 0, stderr: "" });
});

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

test.for([
  ["full", "ENOSPC"],
  ["read-only", "EROFS"],
] as const)(
  "a disk that becomes %s: training goes on to its end, warned once of each thing",
  async ([kind, code], { skip }) => {
    const out = join(newFolder(), "dots");
    const args = [...TINY, "--steps", STEPS, "--out", out];
    const isMounted = await onTinyDisk(async (disk, remount) => {
      const training = startTraining(disk, ...args);
      await training.told("progress");
      if (kind === "full") fill(disk);
      else while (!remount("ro")) await pause(1); // refused while a file is open
      const { status, events, stderr } = await training.ended();
      expect([status, stderr]).toEqual([0, ""]);
      const warnings = events.filter(({ event }) => event === "warning");
      const things = warnings.map(({ what }) => what);
      expect(things).toContain("checkpoints");
      expect(new Set(things).size).toBe(things.length);
      for (const warning of warnings) {
        expect(warning).toMatchObject({
          code,
          text: expect.stringMatching(/can't be written to \S+ \(E.*goes on/),
        });
      }
      expect(exportedWeights(out)).toEqual(exportedWeights(undisturbed));

      // What was there stays, and is where the run goes on from.
      if (kind === "read-only") remount("rw");
      else {
        fill(disk);
        const refused = await startTraining(disk, "--resume", runIn(disk), "--out", out).ended();
        expect([refused.status, refused.stderr]).toEqual([
          2,
          `train: run folder: ${runIn(disk)} can't be used (ENOSPC). Make room or make it writable.\n`,
        ]);
        for (const name of readdirSync(disk).filter((file) => file.startsWith("filler"))) {
          rmSync(join(disk, name));
        }
      }
      const checkpoints = join(runIn(disk), "checkpoints");
      const names = readdirSync(checkpoints).filter((name) => name.endsWith(".ckpt"));
      expect(names.length).toBeGreaterThan(0);
      for (const name of names) await readCheckpoint(join(checkpoints, name));
      rmSync(out, { recursive: true });
      const resumed = await startTraining(disk, "--resume", runIn(disk), "--out", out).ended();
      expect(resumed).toMatchObject({ status: 0, stderr: "" });
      expect(exportedWeights(out)).toEqual(exportedWeights(undisturbed));
    });
    if (!isMounted) skip("a disk of its own takes root");
  },
);
