/**
 * What a run leaves behind: `runs/<time>-<name>/` with
 *
 *   run.json        configuration, seed, commit, machine
 *   metrics.jsonl   one JSON object a line, as training goes
 *   observations.jsonl   match distances, a line for every look at the generator
 *   samples/        what it made then
 *   events.out.tfevents.*   all of that for TensorBoard
 *   checkpoints/    the last three, and the best
 *   report.html, results.json   when it has ended: what came of it
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
import { removeLeftovers } from "../leftovers.ts";
import type { Observation } from "../report/observer.ts";
import { type Checkpoint, readCheckpoint } from "./checkpoint.ts";
import { type FoundCheckpoint, newestGood, openCheckpointStore } from "./checkpoint-store.ts";
import { beginningOfEvents, eventFileName, type Summary, summaryRecord } from "./event-file.ts";
import { commitOf, describeMachine } from "./machine.ts";
import { METRICS, OBSERVATIONS, pictureFile, REPORT, RESULTS } from "./run-files.ts";
import { lockRun, unlockRun } from "./run-lock.ts";

export interface RunFolder {
  readonly path: string;
  /** A line of metrics. */
  record(entry: Readonly<Record<string, unknown>> & { readonly stepCount: number }): Promise<void>;
  /** @returns the file's path; null: it couldn't be written, and that was said */
  saveCheckpoint(checkpoint: Checkpoint): Promise<string | null>;
  observe(observation: TimedObservation): Promise<void>;
  /** What the run came to: a page for people, numbers for programs. */
  conclude(report: string, results: object): Promise<void>;
  /** Lets other processes go on with it. */
  close(): void;
}

/** A look at the generator, and when it was. */
export interface TimedObservation extends Observation {
  readonly stepCount: number;
  readonly elapsedSeconds: number;
}

/** What of run.json a resumed run needs. */
const aboutSchema = z.object({ config: configSchema, configSha256: z.string().optional() });

/** How a run folder's name begins until it is whole. */
const UNNAMED = ".new-";

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
  await removeLeftovers(parent, UNNAMED);
  const unnamed = await mkdtemp(resolve(parent, UNNAMED));
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
  return openFolder(path, 0);
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
    const firstStep = found ? found.checkpoint.stepCount + 1 : 0;
    for (const file of [METRICS, OBSERVATIONS]) await forgetLinesFrom(join(run, file), firstStep);
    return {
      config,
      folder: openFolder(run, firstStep),
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

/** @param firstStep the first that this process will record */
function openFolder(path: string, firstStep: number): RunFolder {
  const checkpoints = openCheckpointStore(join(path, "checkpoints"));
  const events = join(path, eventFileName());
  let hasEvents = false;
  const appendSummary = async (summary: Summary) => {
    const beginning = hasEvents ? new Uint8Array() : beginningOfEvents(firstStep);
    await appendWhole(events, Buffer.concat([beginning, summaryRecord(summary)]));
    hasEvents = true;
  };
  return {
    path,
    async record(entry) {
      await appendWhole(join(path, METRICS), `${JSON.stringify(entry)}\n`);
      await appendSummary({ stepCount: entry.stepCount, scalars: scalarsOf(entry) });
    },
    saveCheckpoint: checkpoints.save,
    async observe({ picture, ...observation }) {
      const { stepCount, matchDistance } = observation;
      await writeFile(join(path, pictureFile(stepCount)), picture);
      await appendWhole(join(path, OBSERVATIONS), `${JSON.stringify(observation)}\n`);
      const images = { samples: { ...sizeOfPng(picture), png: picture } };
      await appendSummary({ stepCount, scalars: scalarsOf({ matchDistance }), images });
    },
    async conclude(report, results) {
      await replaceFile(join(path, REPORT), report);
      await replaceFile(join(path, RESULTS), `${JSON.stringify(results, null, 2)}\n`);
    },
    close: () => unlockRun(path),
  };
}

/** Numbers by their path in the entry: `seconds/search`. How far a run is is no curve. */
function scalarsOf(entry: object, path = ""): Record<string, number> {
  const scalars: Record<string, number> = {};
  for (const [name, value] of Object.entries(entry)) {
    if (NO_CURVES.has(name)) continue;
    if (typeof value === "number") scalars[path + name] = value;
    else if (typeof value === "object" && value !== null)
      Object.assign(scalars, scalarsOf(value, `${path}${name}/`));
  }
  return scalars;
}

const NO_CURVES = new Set(["stepCount", "totalSteps", "progress"]);

/** From a PNG's header. */
function sizeOfPng(png: Uint8Array): { width: number; height: number } {
  const view = new DataView(png.buffer, png.byteOffset);
  return { width: view.getUint32(16), height: view.getUint32(20) };
}

/** The whole of it or nothing: on a full disk half of it may have been written. */
async function appendWhole(file: string, data: string | Uint8Array): Promise<void> {
  const before = await stat(file).catch(() => null);
  try {
    await appendFile(file, data);
  } catch (error) {
    await truncate(file, before?.size ?? 0).catch(() => {});
    throw error;
  }
}

/** What a run recorded after the checkpoint that it goes back to will be recorded again. */
async function forgetLinesFrom(file: string, firstStep: number): Promise<void> {
  const text = await readFile(file, "utf8").catch(() => "");
  const kept = text
    .split("\n")
    .filter(
      (line) => ((parseJson(line) as { stepCount?: number } | undefined)?.stepCount ?? Infinity) < firstStep,
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
