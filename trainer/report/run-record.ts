/** What a run folder tells: the one reader of it for reports, comparisons and the live page. */

import { readFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { z } from "zod";
import { version } from "../../shared/version.ts";
import { type Config, configSchema } from "../config.ts";
import { InputError } from "../input-error.ts";
import { describeMachine } from "../run/machine.ts";
import { METRICS, OBSERVATIONS, pictureFile, RESULTS } from "../run/run-files.ts";

const aboutSchema = z.object({
  version: z.string(),
  commit: z.string().nullable(),
  machine: z.record(z.string(), z.union([z.string(), z.number()])),
  startedAt: z.string(),
  config: configSchema,
});

const recordedSchema = z.object({
  stepCount: z.number(),
  elapsedSeconds: z.number(),
  loss: z.number(),
  learningRate: z.number(),
  samplesPerSecond: z.number(),
  /** Of parts of the training, since the line before. */
  seconds: z.record(z.string(), z.number()).default({}),
});

const spreadSchema = z.object({
  mean: z.number(),
  p5: z.number(),
  p25: z.number(),
  p50: z.number(),
  p75: z.number(),
  p95: z.number(),
});

const observedSchema = z.object({
  stepCount: z.number(),
  elapsedSeconds: z.number(),
  matchDistance: spreadSchema,
  realDistance: spreadSchema.nullable(),
});

/** Numbers by name; what is no number, which JSON writes as null, is left out. */
const figuresSchema = z
  .record(z.string(), z.number().nullable())
  .transform((figures) =>
    Object.fromEntries(
      Object.entries(figures).filter((entry): entry is [string, number] => entry[1] !== null),
    ),
  );

/** What of results.json comparisons need. */
const resultsSchema = z.object({
  metrics: figuresSchema,
  realData: figuresSchema,
  coverage: z.object({ nearerShare: z.number().nullable() }),
  audit: z
    .object({ alpha: z.number(), samples: z.object({ count: z.number(), copies: z.number() }) })
    .nullable(),
});

export type Recorded = z.infer<typeof recordedSchema>;
export type Observed = z.infer<typeof observedSchema>;
export type Results = z.infer<typeof resultsSchema>;

export interface RunRecord {
  /** The folder's own name. */
  readonly name: string;
  readonly about: Omit<z.infer<typeof aboutSchema>, "config">;
  /** See `publicConfig`. */
  readonly config: Config;
  /** By step. */
  readonly metrics: readonly Recorded[];
  readonly observations: readonly Observed[];
  /** Null for a run that hasn't ended. */
  readonly results: Results | null;
  /** The PNG of samples at the step of an observation; null where it is missing. */
  picture(observation: Observed): Promise<Uint8Array<ArrayBuffer> | null>;
}

/** @throws InputError if it is no run folder, or one that another version of the program wrote */
export async function readRun(folder: string): Promise<RunRecord> {
  const path = resolve(folder);
  const name = basename(path);
  const text = await readFile(join(path, "run.json"), "utf8").catch(() => null);
  if (text === null)
    throw new InputError(`${folder}: is not a run folder (no run.json). Give one of runs/*.`);
  const about = aboutSchema.safeParse(parseJson(text));
  if (!about.success) {
    const issue = about.error.issues[0]!;
    throw new InputError(
      `${folder}/run.json: ${issue.path.join(".") || "run"}: ${issue.message}. Give a run of this version of the program.`,
    );
  }
  const { config, ...rest } = about.data;
  return {
    name,
    about: rest,
    config: publicConfig(config),
    metrics: await readLines(join(path, METRICS), recordedSchema),
    observations: await readLines(join(path, OBSERVATIONS), observedSchema),
    results:
      resultsSchema.safeParse(parseJson(await readFile(join(path, RESULTS), "utf8").catch(() => ""))).data ??
      null,
    picture: ({ stepCount }) =>
      readFile(join(path, pictureFile(stepCount))).then(
        (bytes) => new Uint8Array(bytes),
        () => null,
      ),
  };
}

/** How far the run came; null where it doesn't tell. */
export function endOf({
  metrics,
  observations,
}: RunRecord): Pick<Recorded, "stepCount" | "elapsedSeconds"> | null {
  const [recorded, observed] = [metrics.at(-1), observations.at(-1)];
  if (!recorded || !observed) return recorded ?? observed ?? null;
  return observed.stepCount > recorded.stepCount ? observed : recorded;
}

/** What is known of a run whose folder is gone, or on a disk that failed. */
export function runWithoutFolder(name: string, config: Config): RunRecord {
  return {
    name,
    about: { version, commit: null, machine: describeMachine(), startedAt: "" },
    config: publicConfig(config),
    metrics: [],
    observations: [],
    results: null,
    picture: async () => null,
  };
}

/** Where files lay on this machine is nobody else's business. */
export function publicConfig(config: Config): Config {
  const { data, objective } = config;
  return {
    ...config,
    data: { ...data, path: data.path && basename(data.path) },
    objective: { ...objective, featureModel: objective.featureModel && basename(objective.featureModel) },
  };
}

/** Lines that aren't whole, as a run that is being written has, are left out. */
async function readLines<T>(file: string, schema: z.ZodType<T>): Promise<T[]> {
  const text = await readFile(file, "utf8").catch(() => "");
  return text.split("\n").flatMap((line) => {
    const parsed = schema.safeParse(parseJson(line));
    return parsed.success ? [parsed.data] : [];
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
