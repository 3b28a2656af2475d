/**
 * What a run leaves behind: `runs/<time>-<name>/` with
 *
 *   run.json        configuration, seed, commit, machine
 *   metrics.jsonl   one JSON object a line, as training goes
 *   checkpoints/    latest.ckpt and previous.ckpt
 *   samples/        grids of samples over time
 */

import { appendFile, mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { z } from "zod";
import { type Config, configSchema, withFields } from "../config.ts";
import { InputError } from "../input-error.ts";
import { version } from "../version.ts";
import { type Checkpoint, readCheckpoint, writeCheckpoint } from "./checkpoint.ts";
import { commitOf, describeMachine } from "./machine.ts";

export interface RunFolder {
  readonly path: string;
  record(entry: Readonly<Record<string, unknown>>): Promise<void>;
  /** @returns the file's path */
  saveCheckpoint(checkpoint: Checkpoint): Promise<string>;
  saveSamples(stepCount: number, png: Uint8Array): Promise<void>;
}

/** What of run.json a resumed run needs. */
const aboutSchema = z.object({ config: configSchema });

const LATEST = "latest.ckpt";
const PREVIOUS = "previous.ckpt";

/** Makes a new run folder for `config` under `parent`. */
export async function createRunFolder(config: Config, parent = "runs"): Promise<RunFolder> {
  const time = new Date().toISOString().slice(0, 19).replaceAll(":", "-");
  let path = resolve(parent, `${time}-${config.preset}`);
  // Two runs within a second get folders of their own.
  for (let n = 2; !(await makeNew(path)); n++) path = resolve(parent, `${time}-${config.preset}-${n}`);
  await mkdir(join(path, "checkpoints"));
  await mkdir(join(path, "samples"));
  const about = {
    version,
    commit: await commitOf(),
    machine: describeMachine(),
    startedAt: new Date().toISOString(),
    seed: config.seed,
    config,
  };
  await writeAbout(path, about);
  return openFolder(path);
}

/**
 * Opens a run folder to go on with it.
 *
 * @param set fields to change for the rest of the run, `path=value` each; run.json takes them over
 * @throws InputError if it isn't one, or holds no readable checkpoint
 */
export async function resumeRunFolder(
  path: string,
  set: readonly string[] = [],
): Promise<{ config: Config; folder: RunFolder; checkpoint: Checkpoint }> {
  const text = await readFile(join(path, "run.json"), "utf8").catch(() => null);
  if (text === null) {
    throw new InputError(`--resume: ${path} is not a run folder (no run.json). Give one of runs/*.`);
  }
  const about = aboutSchema.safeParse(parseJson(text));
  if (!about.success) {
    const issue = about.error.issues[0]!;
    const where = issue.path.slice(1).join(".") || "config";
    throw new InputError(
      `--resume: ${basename(path)}/run.json: ${where}: ${issue.message}. Start a new run.`,
    );
  }
  const folder = join(path, "checkpoints");
  const checkpoint = await readCheckpoint(join(folder, LATEST)).catch((error: unknown) =>
    readCheckpoint(join(folder, PREVIOUS)).catch(() => {
      throw error;
    }),
  );
  const config = withFields(about.data.config, set);
  if (set.length > 0) await writeAbout(path, { ...(parseJson(text) as object), config });
  return { config, folder: openFolder(resolve(path)), checkpoint };
}

function openFolder(path: string): RunFolder {
  return {
    path,
    record: (entry) => appendFile(join(path, "metrics.jsonl"), `${JSON.stringify(entry)}\n`),
    async saveCheckpoint(checkpoint) {
      const latest = join(path, "checkpoints", LATEST);
      await rename(latest, join(path, "checkpoints", PREVIOUS)).catch(ignoreMissing);
      await writeCheckpoint(latest, checkpoint);
      return latest;
    },
    saveSamples: (stepCount, png) =>
      writeFile(join(path, "samples", `${String(stepCount).padStart(8, "0")}.png`), png),
  };
}

async function writeAbout(path: string, about: object): Promise<void> {
  const file = join(path, "run.json");
  await writeFile(`${file}.tmp`, `${JSON.stringify(about, null, 2)}\n`);
  await rename(`${file}.tmp`, file);
}

async function makeNew(path: string): Promise<boolean> {
  try {
    await mkdir(path, { recursive: false });
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") return false;
    if (code !== "ENOENT") throw error;
    await mkdir(resolve(path, ".."), { recursive: true });
    return makeNew(path);
  }
}

/** Undefined if it isn't JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== "ENOENT") throw error;
}
