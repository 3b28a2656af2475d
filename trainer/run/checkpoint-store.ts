/**
 * The checkpoints that a run keeps: the last three, and the best as `best.ckpt`.
 *
 * A name counts the run's checkpoints and tells the step: `0004-step-00001000.ckpt`. What is newest is what was
 * written last, so that a run that went back to an earlier step isn't taken for what it left.
 */

import { copyFile, link, readdir, rename, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { type Checkpoint, CheckpointError, readCheckpoint, writeCheckpoint } from "./checkpoint.ts";

const KEPT = 3;
/** Of the lowest mean training loss. */
const BEST = "best.ckpt";
const NAME = /^(\d+)-step-\d+\.ckpt$/;

export interface CheckpointStore {
  /**
   * Writes it, and only then removes the oldest.
   *
   * @returns the file's path
   */
  save(checkpoint: Checkpoint): Promise<string>;
}

/** The checkpoints in `folder`; only one process at a time may save there. */
export function openCheckpointStore(folder: string): CheckpointStore {
  let lowestLoss: number | null = null;
  return {
    async save(checkpoint) {
      lowestLoss ??= (await readCheckpoint(join(folder, BEST)).catch(() => null))?.loss ?? Infinity;
      await removeUnfinished(folder);
      const before = await checkpointNames(folder);
      const count = before.length === 0 ? 1 : countOf(before.at(-1)!) + 1;
      const name = `${String(count).padStart(4, "0")}-step-${String(checkpoint.stepCount).padStart(8, "0")}.ckpt`;
      const path = join(folder, name);
      await writeCheckpoint(path, checkpoint);
      if (checkpoint.loss !== null && checkpoint.loss < lowestLoss) {
        await nameBest(folder, path);
        lowestLoss = checkpoint.loss;
      }
      for (const old of before.slice(0, 1 - KEPT)) await rm(join(folder, old), { force: true });
      return path;
    },
  };
}

export interface FoundCheckpoint {
  readonly checkpoint: Checkpoint;
  /** Newer ones that can't be used, and why: "0004-step-00001000.ckpt: is missing". */
  readonly leftOut: readonly string[];
}

/**
 * The newest checkpoint of `folder` that is whole; null: none was written yet.
 *
 * @throws CheckpointError of the newest, if there are some and none can be read
 */
export async function newestGood(folder: string): Promise<FoundCheckpoint | null> {
  const names = await checkpointNames(folder);
  const best = (await readdir(folder)).includes(BEST) ? [BEST] : [];
  const errors: CheckpointError[] = [];
  const leftOut: string[] = [];
  for (const name of [...names.reverse(), ...best]) {
    try {
      return { checkpoint: await readCheckpoint(join(folder, name)), leftOut };
    } catch (error) {
      if (!(error instanceof CheckpointError)) throw error;
      errors.push(error);
      leftOut.push(`${basename(name)}: ${error.why}`);
    }
  }
  if (errors.length > 0) throw errors[0];
  return null;
}

/** From old to new. */
async function checkpointNames(folder: string): Promise<string[]> {
  const names = (await readdir(folder)).filter((name) => NAME.test(name));
  return names.sort((a, b) => countOf(a) - countOf(b));
}

function countOf(name: string): number {
  return Number(NAME.exec(name)![1]);
}

/** A second name of the same file; a copy where the file system knows no links. */
async function nameBest(folder: string, path: string): Promise<void> {
  const temporary = join(folder, `${BEST}.tmp`);
  await link(path, temporary).catch(() => copyFile(path, temporary));
  await rename(temporary, join(folder, BEST));
}

/** What a process that was killed left half written. */
async function removeUnfinished(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (name.endsWith(".tmp")) await rm(join(folder, name), { force: true });
  }
}
