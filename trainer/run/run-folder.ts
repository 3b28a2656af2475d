/**
 * What a run leaves behind: `runs/<time>-<name>/` with
 *
 *   run.json        configuration, seed, commit, machine
 *   metrics.jsonl   one JSON object a line, as training goes
 *   checkpoints/    the last three, and the best
 *   samples/        grids of samples over time
 *   lock.json       while a process works on it: which one
 */

import { createHash } from "node:crypto";
import {
  appendFile,
  chmod,
  mkdir,
  mkdtemp,
  readFile,
  rename,
  stat,
  truncate,
  writeFile,
} from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { z } from "zod";
import { version } from "../../shared/version.ts";
import { type Config, configSchema, withFields } from "../config.ts";
import { InputError } from "../input-error.ts";
import { type Checkpoint, readCheckpoint } from "./checkpoint.ts";
import { type FoundCheckpoint, newestGood, openCheckpointStore } from "./checkpoint-store.ts";
import { commitOf, describeMachine } from "./machine.ts";
import { lockRun, unlockRun } from "./run-lock.ts";

export interface RunFolder {
  readonly path: string;
  record(entry: Readonly<Record<string, unknown>>): Promise<void>;
  /** @returns the file's path; null: it couldn't be written, and that was said */
  saveCheckpoint(checkpoint: Checkpoint): Promise<string | null>;
  saveSamples(stepCount: number, png: Uint8Array): Promise<void>;
  /** Lets other processes go on with it. */
  close(): void;
}

/** What of run.json a resumed run needs. */
const aboutSchema = z.object({ config: configSchema, configSha256: z.string().optional() });

/**
 * Makes a new run folder for `config` under `parent`; this process holds it.
 *
 * @throws InputError if `parent` can't be written
 */
export async function createRunFolder(config: Config, parent = "runs"): Promise<RunFolder> {
  return refuseUnwritable(parent, () => create(config, parent));
}

async function create(config: Config, parent: string): Promise<RunFolder> {
  const time = new Date().toISOString().slice(0, 19).replaceAll(":", "-");
  await mkdir(parent, { recursive: true });
  const unnamed = await mkdtemp(resolve(parent, ".new-"));
  await chmod(unnamed, 0o777 & ~process.umask());
  await mkdir(join(unnamed, "checkpoints"));
  await mkdir(join(unnamed, "samples"));
  const about = {
    version,
    commit: await commitOf(),
    machine: describeMachine(),
    startedAt: new Date().toISOString(),
    seed: config.seed,
  };
  await writeAbout(unnamed, about, config);
  let path = resolve(parent, `${time}-${config.preset}`);
  // Two runs within a second get folders of their own.
  for (let n = 2; !(await renameNew(unnamed, path)); n++)
    path = resolve(parent, `${time}-${config.preset}-${n}`);
  await lockRun(path);
  return openFolder(path);
}

export interface ResumedRun {
  readonly config: Config;
  readonly folder: RunFolder;
  /** Undefined: the run ended before it wrote one, and begins again. */
  readonly checkpoint: Checkpoint | undefined;
  /** Newer checkpoints that can't be used, and why. */
  readonly leftOut: readonly string[];
}

/**
 * Opens a run folder to go on with it; this process holds it from then on.
 *
 * @param path the folder, to go on from its newest checkpoint that is whole; or one of its checkpoints
 * @param set fields to change for the rest of the run, `path=value` each; run.json takes them over
 * @throws InputError if it isn't one, its run.json was edited, none of its checkpoints is readable, or another
 *   process holds it
 */
export async function resumeRunFolder(path: string, set: readonly string[] = []): Promise<ResumedRun> {
  const file = path.endsWith(".ckpt") ? resolve(path) : null;
  const run = file === null ? resolve(path) : dirname(dirname(file));
  const text = await readFile(join(run, "run.json"), "utf8").catch(() => null);
  if (text === null) {
    throw new InputError(`--resume: ${path} is not a run folder (no run.json). Give one of runs/*.`);
  }
  const about = parseAbout(run, text);
  return refuseUnwritable(path, () => resume(run, file, text, about.config, set));
}

async function resume(
  run: string,
  file: string | null,
  text: string,
  given: Config,
  set: readonly string[],
): Promise<ResumedRun> {
  await lockRun(run);
  try {
    const found: FoundCheckpoint | null =
      file === null
        ? await newestGood(join(run, "checkpoints"))
        : { checkpoint: await readCheckpoint(file), leftOut: [] };
    const config = withFields(given, set);
    if (set.length > 0) await writeAbout(run, parseJson(text) as object, config);
    await forgetMetricsAfter(run, found?.checkpoint.stepCount ?? 0);
    return {
      config,
      folder: openFolder(run),
      checkpoint: found?.checkpoint,
      leftOut: found?.leftOut ?? [],
    };
  } catch (error) {
    unlockRun(run);
    throw error;
  }
}

function parseAbout(run: string, text: string): z.infer<typeof aboutSchema> {
  const json = parseJson(text);
  const about = aboutSchema.safeParse(json);
  const where = `--resume: ${basename(run)}/run.json`;
  if (!about.success) {
    const issue = about.error.issues[0]!;
    const field = issue.path[0] === "config" ? issue.path.slice(1) : issue.path;
    throw new InputError(
      `${where}: ${field.join(".") || "config"}: ${issue.message}. Undo what was edited, or start a new run.`,
    );
  }
  if (about.data.configSha256 === undefined) {
    throw new InputError(
      `${where}: configSha256 is missing: an older version of the program wrote it. Go on with that, or start a new run.`,
    );
  }
  if (hashOf((json as { config: unknown }).config) !== about.data.configSha256) {
    throw new InputError(
      `${where}: config was edited since the run began. Undo that, change optimiser.* with --set, or start a new run.`,
    );
  }
  return about.data;
}

/** Training can do without the disk later on; it doesn't begin without. */
async function refuseUnwritable<T>(path: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (!code || !syscall) throw error;
    throw new InputError(`run folder: ${path} can't be used (${code}). Make room or make it writable.`);
  }
}

function hashOf(config: unknown): string {
  return createHash("sha256").update(JSON.stringify(config)).digest("hex");
}

function openFolder(path: string): RunFolder {
  const checkpoints = openCheckpointStore(join(path, "checkpoints"));
  return {
    path,
    record: (entry) => appendLine(join(path, "metrics.jsonl"), JSON.stringify(entry)),
    saveCheckpoint: checkpoints.save,
    saveSamples: (stepCount, png) =>
      writeFile(join(path, "samples", `${String(stepCount).padStart(8, "0")}.png`), png),
    close: () => unlockRun(path),
  };
}

/** The whole line or nothing of it: on a full disk half of it may have been written. */
async function appendLine(file: string, line: string): Promise<void> {
  const before = await stat(file).catch(() => null);
  try {
    await appendFile(file, `${line}\n`);
  } catch (error) {
    await truncate(file, before?.size ?? 0).catch(() => {});
    throw error;
  }
}

/** What a run recorded after the checkpoint that it goes back to will be recorded again. */
async function forgetMetricsAfter(run: string, stepCount: number): Promise<void> {
  const file = join(run, "metrics.jsonl");
  const text = await readFile(file, "utf8").catch(() => "");
  const kept = text
    .split("\n")
    .filter(
      (line) => ((parseJson(line) as { stepCount?: number } | undefined)?.stepCount ?? Infinity) <= stepCount,
    )
    .map((line) => `${line}\n`)
    .join("");
  if (kept !== text) await replaceFile(file, kept);
}

async function writeAbout(path: string, about: object, config: Config): Promise<void> {
  const whole = { ...about, config, configSha256: hashOf(config) };
  await replaceFile(join(path, "run.json"), `${JSON.stringify(whole, null, 2)}\n`);
}

async function replaceFile(file: string, text: string): Promise<void> {
  await writeFile(`${file}.tmp`, text, { flush: true });
  await rename(`${file}.tmp`, file);
}

/** False if there is a run already. */
async function renameNew(source: string, path: string): Promise<boolean> {
  try {
    await rename(source, path);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOTEMPTY" || code === "EEXIST") return false;
    throw error;
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
