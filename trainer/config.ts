/**
 * A run's configuration: every field with its default. A preset is a small difference from the defaults,
 * `--set path=value` a difference from the preset.
 */

import { z } from "zod";
import { MAX_SEED } from "../shared/random.ts";
import { didYouMean } from "./did-you-mean.ts";
import { distanceObstacle } from "./distances/index.ts";
import { GENERATORS } from "./generators/index.ts";
import { InputError } from "./input-error.ts";
import { MAP_OBJECTIVES, OBJECTIVES } from "./objectives/index.ts";
import { PRESETS, type Preset } from "./presets/index.ts";
import { SEARCHERS } from "./search/index.ts";

const positive = z.number().int().positive();
const oneOf = (registry: Readonly<Record<string, unknown>>) =>
  z.enum(Object.keys(registry) as [string, ...string[]]);

const dataSchema = z.strictObject({
  /** A procedural data set, where no path is given. */
  name: z.string().nullable().default(null),
  /** A folder or file to read. */
  path: z.string().nullable().default(null),
  /** Pictures are cropped around their centre and resized to squares of this side; null: they stay as they are. */
  size: positive.max(1024).nullable().default(null),
  /** Of pictures: auto is grey if no pixel of any of them has a colour. */
  channels: z.enum(["auto", "grey", "rgb"]).default("auto"),
  /** A picture that can't be decoded is an error; otherwise it is left out, and named. */
  strict: z.boolean().default(false),
  /** 3: three images of one channel, drawn at random, become the channels of one (stacked MNIST). */
  stack: z.literal([1, 3]).default(1),
});

const generatorSchema = z.strictObject({
  kind: oneOf(GENERATORS).default("mlp"),
  latentSize: positive.max(4096).default(16),
  /** Units of the dense layers that come first. */
  hidden: z.array(positive.max(65536)).default([512, 512]),
  /** dcgan, upsample-conv: channels at every size before the last, from the coarsest on; each doubles the one before. */
  channels: z.array(positive.max(4096)).min(1).max(8).default([64, 32]),
  activation: z.enum(["relu", "leaky-relu", "tanh"]).default("relu"),
  /** batch: hidden layers are normalised over the batch during training; the exported model has plain layers either way. */
  normalisation: z.enum(["none", "batch"]).default("none"),
});

const objectiveSchema = z.strictObject({
  name: oneOf(OBJECTIVES).default("imle"),
  /** Samples drawn each round; every example of the subset picks one of them. */
  poolSize: positive.default(10_000),
  /** Examples matched each round. */
  subsetSize: positive.default(2_500),
  /** Passes over the matched pairs before the next round. */
  passes: positive.default(2),
  batchSize: positive.default(128),
  /** Of the IMLE family: whether metrics also tell the length of the gradient, which takes time. */
  recordsGradient: z.boolean().default(false),
  /** Standard deviation of the noise on matched latents: neighbouring latents learn the same example. */
  latentJitter: z.number().nonnegative().default(0.01),
  /** rs-imle: samples this near to an example, in model space, are no candidates; `null`: as near as data are to data. */
  rejectionRadius: z.number().positive().nullable().default(null),
  /**
   * reverse, rs-imle: share of the pairs in which the sample picks its example, in the rest the example picks; `null`:
   * 1 and 0.
   */
  reverseShare: z.number().min(0).max(1).nullable().default(null),
  /** adaptive-imle: turns for which an example keeps the sample that it picked, at least and at most. */
  leastStaleness: positive.default(5),
  mostStaleness: positive.default(20),
  /** adaptive-imle: by how much an example must get nearer before it picks again, as a share of the distance. */
  tightening: z.number().min(0).lt(1).default(0.02),
  /** Of the registry, or a weighted sum of them: `l2+0.1*features`. */
  distance: z
    .string()
    .default("l2")
    .superRefine((text, context) => {
      const message = distanceObstacle(text);
      if (message !== null) context.addIssue({ code: "custom", message });
    }),
  /** random-projection: numbers that an example is projected to. */
  projectionSize: positive.default(256),
  /** features: an ONNX file or a TF.js model.json; null: an autoencoder is fitted to the data first. */
  featureModel: z.string().nullable().default(null),
  /** features: steps that the autoencoder is fitted for. */
  featureSteps: positive.default(1500),
  /** gan, vae: units of the discriminator's or encoder's hidden layers; null: the generator's dense ones, mirrored. */
  mirrorHidden: z.array(positive.max(65536)).nullable().default(null),
  /** vae: weight of the divergence from N(0, I); 1 makes the loss the evidence lower bound. */
  klWeight: z.number().nonnegative().default(1),
  /** vae: standard deviation of an example's numbers given their latent, in model space; null: the likeliest. */
  likelihoodScale: z.number().positive().nullable().default(null),
  /** glann: share of the budget in which codes are learned; the rest is for the map to them, unless it takes no steps. */
  codeShare: z.number().gt(0).lt(1).default(0.4),
  /** glann: of the codes, where the generator's is `optimiser.learningRate`; it falls with that. */
  codeLearningRate: z.number().positive().default(1e-2),
  /** glann: standard deviation of the noise on a code in training: codes nearby learn to stand for the same example. */
  codeJitter: z.number().nonnegative().default(0),
  /** glann: what learns the map from latents to codes, a perceptron with batch normalisation. */
  mapObjective: oneOf(MAP_OBJECTIVES).default("imle"),
  mapLatentSize: positive.max(4096).default(32),
  mapHidden: z.array(positive.max(65536)).default([256, 256]),
  /** gaussian-mixture: Gaussians that it is made of. */
  components: positive.max(4096).default(8),
  /**
   * local-gaussians: how often the data are cut in two, so that 2^cuts Gaussians are fitted; `null`: until each has some
   * 50 examples, at most 11 times. Directions of each.
   */
  cuts: z.number().int().min(0).max(14).nullable().default(null),
  cellRank: positive.max(128).default(13),
  /** `auto` takes the one that is fastest for the engine and the size of an example. */
  searcher: oneOf({ auto: null, ...SEARCHERS }).default("auto"),
  /** What the search may hold of the pool's samples at once. */
  searchMemoryMiB: positive.default(256),
});

const optimiserSchema = z.strictObject({
  learningRate: z.number().positive().default(1e-3),
  /** The rate falls along a cosine to this share of it. */
  finalLearningRateShare: z.number().min(0).max(1).default(0.02),
  warmupSteps: z.number().int().nonnegative().default(100),
  beta1: z.number().min(0).lt(1).default(0.9),
  beta2: z.number().min(0).lt(1).default(0.999),
  epsilon: z.number().positive().default(1e-8),
  weightDecay: z.number().nonnegative().default(0),
  /** Decay of the exponential moving average of the weights, which is what gets exported. */
  averageDecay: z.number().min(0).lt(1).default(0.999),
});

/** Exactly one of these says when training ends. */
const budgetSchema = z
  .strictObject({
    steps: positive.nullable().default(null),
    minutes: z.number().positive().nullable().default(null),
    epochs: z.number().positive().nullable().default(null),
  })
  .refine((budget) => Object.values(budget).filter((value) => value !== null).length === 1, {
    message: "exactly one of steps, minutes and epochs is set",
  });

const exportSchema = z.strictObject({
  /** Publish the training examples in the bundle, which the memorisation check needs. */
  trainingRows: z.boolean().default(true),
  /**
   * What the kernels of dense layers and convolutions are stored as for the edge; biases stay float32. `auto`: the
   * smallest whose error in a picture can't be seen, and float32 for what is no picture.
   */
  weights: z.enum(["auto", "float32", "float16", "int8"]).default("auto"),
  /** The p-value below which the memorisation check says `copy`. */
  alpha: z.number().positive().max(0.05).default(0.01),
  /**
   * Images of more bytes than this are searched by an index of 112 bytes of each, and read from storage as they are
   * needed; null: never. An isolate has 128 MB, and a scan takes one and a half times the images.
   */
  indexAboveMiB: z.number().nonnegative().nullable().default(56),
  /** Where that index lies: in the bundle, for an isolate's memory, or in Vectorize, for more than fits there. */
  index: z.enum(["principal", "vectorize"]).default("principal"),
});

const runSchema = z.strictObject({
  /** Seconds between checkpoints. */
  checkpointEverySeconds: z.number().positive().default(60),
  /** Looks at the generator after the first: how often samples and match distances are recorded. */
  sampleGrids: z.number().int().nonnegative().default(12),
});

export const configSchema = z.strictObject({
  preset: z.string(),
  seed: z.number().int().min(0).max(MAX_SEED).default(1),
  /** `auto`, or an engine's name. */
  engine: z.string().default("auto"),
  data: dataSchema.prefault({}),
  generator: generatorSchema.prefault({}),
  objective: objectiveSchema.prefault({}),
  optimiser: optimiserSchema.prefault({}),
  budget: budgetSchema,
  export: exportSchema.prefault({}),
  run: runSchema.prefault({}),
});

export type Config = z.infer<typeof configSchema>;
/** A configuration with fields left out, as presets are written. */
export type PartialConfig = z.input<typeof configSchema>;

/** What the command line adds to a preset. */
export interface ConfigOverrides {
  readonly seed?: number | undefined;
  readonly engine?: string | undefined;
  readonly objective?: string | undefined;
  readonly dataPath?: string | undefined;
  readonly strict?: boolean | undefined;
  readonly budget?:
    | { readonly steps?: number; readonly minutes?: number; readonly epochs?: number }
    | undefined;
  /** `path=value` each, as `--set` takes them. */
  readonly set?: readonly string[] | undefined;
}

/**
 * The preset, one of the registry by its name or one of one's own, with the overrides, checked.
 *
 * @throws InputError naming the field, what was expected and what came
 */
export function resolveConfig(preset: string | Preset, overrides: ConfigOverrides = {}): Config {
  const isName = typeof preset === "string";
  if (isName && !Object.hasOwn(PRESETS, preset)) {
    throw new InputError(
      `preset: no preset "${preset}".${didYouMean(preset, PRESETS)} Known: ${Object.keys(PRESETS).join(", ")}.`,
    );
  }
  const draft: Draft = structuredClone(
    isName ? { preset, ...PRESETS[preset]! } : { preset: "custom", ...preset },
  );
  if (overrides.seed !== undefined) draft["seed"] = overrides.seed;
  if (overrides.engine !== undefined) draft["engine"] = overrides.engine;
  if (overrides.objective !== undefined) setField(draft, "objective.name", overrides.objective);
  if (overrides.dataPath !== undefined) setField(draft, "data.path", overrides.dataPath);
  if (overrides.strict !== undefined) setField(draft, "data.strict", overrides.strict);
  if (overrides.budget) draft["budget"] = overrides.budget;
  return checked(draft, overrides.set);
}

/**
 * The configuration with fields changed, `path=value` each.
 *
 * @throws InputError naming the field, what was expected and what came
 */
export function withFields(config: Config, set: readonly string[]): Config {
  return checked(structuredClone(config), set);
}

function checked(draft: Draft, set: readonly string[] = []): Config {
  for (const assignment of set) {
    const equals = assignment.indexOf("=");
    if (equals < 1)
      throw new InputError(
        `--set: expected path=value, got "${assignment}". Say --set objective.poolSize=5000.`,
      );
    setField(draft, assignment.slice(0, equals), parseValue(assignment.slice(equals + 1)));
  }
  const result = configSchema.safeParse(draft);
  if (!result.success) throw new InputError(`config: ${describeIssue(result.error.issues[0]!, draft)}`);
  return result.data;
}

type Draft = Record<string, unknown>;

function setField(draft: Draft, path: string, value: unknown): void {
  const keys = path.split(".");
  // As a key it would set what objects inherit, and be overlooked.
  if (keys.includes("__proto__")) throw new InputError(`config: ${path}: no such field.`);
  let at = draft;
  for (const key of keys.slice(0, -1)) {
    if (!Object.hasOwn(at, key)) at[key] = {};
    if (typeof at[key] !== "object" || at[key] === null) {
      throw new InputError(`config: ${path}: "${key}" has no fields.`);
    }
    at = at[key] as Draft;
  }
  at[keys.at(-1)!] = value;
}

/** Numbers, booleans, null and lists as JSON writes them; anything else is text. */
function parseValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function describeIssue(issue: z.core.$ZodIssue, draft: Draft): string {
  const where = issue.path.join(".");
  if (issue.code === "unrecognized_keys") {
    const fields = Object.keys(fieldsAt(issue.path));
    const field = String(issue.keys[0]);
    return `${[...issue.path, field].join(".")}: no such field.${didYouMean(field, fields)} ${where || "The configuration"} has ${fields.join(", ")}.`;
  }
  if (issue.code === "invalid_value" && typeof valueAt(draft, issue.path) === "string") {
    const guess = didYouMean(String(valueAt(draft, issue.path)), issue.values.map(String));
    return `${where}: ${issue.message}.${guess}`;
  }
  return `${where}: ${issue.message}.`;
}

function valueAt(draft: Draft, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((at, key) => (at as Draft | undefined)?.[String(key)], draft);
}

function fieldsAt(path: readonly PropertyKey[]): object {
  const whole: Record<string, object> = {
    "": configSchema.shape,
    data: dataSchema.shape,
    generator: generatorSchema.shape,
    objective: objectiveSchema.shape,
    optimiser: optimiserSchema.shape,
    budget: budgetSchema.shape,
    export: exportSchema.shape,
    run: runSchema.shape,
  };
  return whole[path.join(".")] ?? {};
}
