/**
 * The bundle's manifest: one schema and one parser for the exporter, the Worker and the browser.
 *
 * A manifest names every other file of the bundle with its size and SHA-256, and itself carries a version
 * that hashes all the rest of it. So whoever trusts the version can trust every byte of the bundle.
 */

// As a namespace, so that browsers get no more of it than this file uses.
import * as z from "zod";
import type { InputSpec } from "./generator-inputs.ts";
import { printable } from "./printable.ts";
import { sha256Hex } from "./sha256.ts";

/** The newest manifest format, and the one that is written. */
export const FORMAT_VERSION = 4;

/**
 * The oldest that is still read: 1 knew one statistic and no siblings, 2 only float32 weights and no index to search, 3 an
 * index of means, which isn't searched any more.
 */
const OLDEST_FORMAT_VERSION = 1;

/** No file of a bundle is larger: Cloudflare serves static assets up to 25 MiB. */
export const MAX_FILE_BYTES = 24 * 1024 * 1024;

/** The slope that the activation `leaky-relu` has below 0. */
export const LEAKY_SLOPE = 0.2;

const count = z.number().int().nonnegative();
const fileName = z.string().regex(/^[a-z0-9][a-z0-9._-]*$/i, "a plain file name, no folders");

const positive = z.number().int().positive();
const activation = z.enum(["linear", "relu", "leaky-relu", "sigmoid", "tanh"]);

const layer = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("dense"), units: positive, activation }),
  /** A row of numbers as an image, [height, width, channels]. */
  z.strictObject({ kind: z.literal("reshape"), shape: z.tuple([positive, positive, positive]) }),
  /** Keeps height and width: zeros are added around the image, as many on every side. */
  z.strictObject({
    kind: z.literal("conv"),
    filters: positive,
    kernelSize: positive.refine((size) => size % 2 === 1, "an odd number"),
    activation,
  }),
  /** Multiplies height and width by the stride; what the kernel reaches beyond that is cut, equally on every side. */
  z
    .strictObject({
      kind: z.literal("conv-transpose"),
      filters: positive,
      kernelSize: positive,
      stride: positive,
      activation,
    })
    .refine(({ kernelSize, stride }) => kernelSize >= stride && (kernelSize - stride) % 2 === 0, {
      message: "the stride, or more than it by an even number",
      path: ["kernelSize"],
    }),
  /** Every pixel becomes factor × factor equal ones. */
  z.strictObject({ kind: z.literal("upsample"), factor: positive }),
]);

const error = z.number().nonnegative();

const weights = z.strictObject({
  /**
   * What kernels are stored as: int8 with a scale for each unit or filter. model.json and model.onnx hold what the
   * stored numbers stand for, as float32.
   */
  dtype: z.enum(["float32", "float16", "int8"]),
  /**
   * Little-endian, one file going on in the next: float32, for each layer its biases and, of int8, its scales; then the
   * kernels in the layers' order, as Keras has them. Null: float32, which model.json's files hold.
   */
  files: z.array(fileName).min(1).nullable(),
  /**
   * How far samples lie from those of the weights that were trained, in the output's units, over all numbers of
   * samples 0 … samples − 1 of training.seed. Null: these are the weights that were trained.
   */
  error: z.strictObject({ samples: positive, largest: error, mean: error, rootMeanSquare: error }).nullable(),
});

const generator = z.strictObject({
  /** In order, from the latent to the output; weights are in model.json's files, kernels as Keras has them. */
  layers: z.array(layer).min(1),
  parameterCount: count,
  /** What our kernel computes with. Left out: float32. */
  weights: weights.optional(),
});

const latent = z.strictObject({
  size: z.number().int().positive(),
  distribution: z.literal("normal"),
  /** Of conditional models, training examples of every label: how often each is drawn where none is asked for. */
  labelCounts: z.array(count).min(1).optional(),
});

const output = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("image"),
    /** [height, width, channels]; channels: 1 grey, 3 RGB. */
    shape: z.tuple([
      z.number().int().positive(),
      z.number().int().positive(),
      z.union([z.literal(1), z.literal(3)]),
    ]),
    /** What the generator's numbers run over; its pixels are clamped to it. */
    range: z.tuple([z.literal(0), z.literal(1)]),
  }),
  z.strictObject({
    kind: z.literal("vector"),
    shape: z.tuple([z.number().int().positive()]),
    /** Unbounded: the data's own units. */
    range: z.null(),
  }),
]);

const pagedRows = {
  /** The rows are read by pages of as many rows; every shard begins with a new one. */
  pageRows: positive,
  /** The first 16 bytes of each page's SHA-256. */
  pagesFile: fileName,
  /** Of so many held-out examples, the share whose nearest training example was found. */
  recall: z.strictObject({ at1: z.number().min(0).max(1), queries: count }),
};

const index = z.discriminatedUnion("kind", [
  /** hnswlib's saved graph, in order of its parts; the edge scans the rows all the same. */
  z.strictObject({ kind: z.literal("hnsw"), files: z.array(fileName).min(1) }),
  /** Of format 3, means of the images over 2×2 pixels: refused where it is searched. */
  z.strictObject({ kind: z.literal("pooled"), files: z.array(fileName).min(1), ...pagedRows }),
  /** Numbers of the images along principal directions (principal-numbers.ts), in parts of as many bytes. */
  z.strictObject({ kind: z.literal("principal"), files: z.array(fileName).min(1), ...pagedRows }),
  /** Means of the images over 2×2 pixels in Vectorize (vector-index.ts); calibrated and measured with an exact search of them. */
  z.strictObject({ kind: z.literal("vectorize"), dimensions: positive, ...pagedRows }),
]);

const neighbours = z.strictObject({
  /** How rows are stored: uint8 pixels (value / 255) or little-endian float32. */
  dtype: z.enum(["uint8", "float32"]),
  metric: z.literal("l2"),
  rowCount: z.number().int().positive(),
  rowLength: z.number().int().positive(),
  /** Files that hold the rows, in order; every shard holds whole rows. */
  shards: z.array(z.strictObject({ file: fileName, rowCount: z.number().int().positive() })).min(1),
  /** One little-endian uint16 a row, an index into `labels`; null: unlabelled. */
  labelsFile: fileName.nullable(),
  /** One little-endian float32 a row: its distance to the nearest other row. Left out where that takes too long. */
  siblingsFile: fileName.nullable().optional(),
  /** What is in memory instead of the rows; null: they are small enough to be scanned. */
  index: index.nullable(),
});

const calibration = z.strictObject({
  /**
   * d₁ / mean(d₁ … d_k), the distance to the nearest training example relative to its neighbourhood. What the
   * distances are: statistic.ts.
   */
  statistic: z.enum(["neighbourhood-ratio", "aligned-ratio"]),
  /** k above: 50, or fewer where the training set is smaller. */
  neighbourhood: z.number().int().min(2).max(50),
  /** held-out: examples that were not trained on. leave-one-out: training examples against the others. */
  method: z.enum(["held-out", "leave-one-out"]),
  /** How many examples the null distribution has. */
  heldOut: z.number().int().positive(),
  /** Below it, a p-value says `copy`. */
  alpha: z.number().positive().max(0.05),
  /** The null distribution: little-endian float32, ascending. */
  file: fileName,
});

export const manifestSchema = z.strictObject({
  formatVersion: z.int().min(OLDEST_FORMAT_VERSION).max(FORMAT_VERSION),
  name: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/i, "letters, digits, '.', '_' and '-'"),
  /** 16 hex digits: SHA-256 of this manifest with `version` empty. Names the exact model. */
  version: z.string().regex(/^[0-9a-f]{16}$/),
  createdBy: z.string(),
  latent,
  generator,
  output,
  /** Class names, where the data has classes. */
  labels: z.array(z.string()).nullable(),
  /** Whether the generator takes a label: after the latent's numbers, one for every label, 1 for the one that is meant. */
  conditional: z.boolean(),
  training: z.strictObject({
    objective: z.string(),
    engine: z.string(),
    seed: count,
    steps: count,
    /** The resolved configuration, as the run folder keeps it. */
    config: z.record(z.string(), z.unknown()),
  }),
  dataset: z.strictObject({
    name: z.string(),
    trainCount: count,
    heldOutCount: count,
    testCount: count,
  }),
  /** Evaluation metrics by name, as `npm run eval` prints them. */
  metrics: z.record(z.string(), z.number()),
  /** The training examples; null: left out of the bundle, so no memorisation check. */
  neighbours: neighbours.nullable(),
  calibration: calibration.nullable(),
  files: z.array(
    z.strictObject({
      path: fileName,
      bytes: count.max(MAX_FILE_BYTES),
      sha256: z.string().regex(/^[0-9a-f]{64}$/),
    }),
  ),
});

export type Manifest = z.infer<typeof manifestSchema>;

/** What the generator of a manifest is fed. */
export function inputSpecOf({ latent }: Manifest): InputSpec {
  return { latentSize: latent.size, labelCounts: latent.labelCounts ?? null };
}
export type OutputSpec = Manifest["output"];
export type GeneratorSpec = Manifest["generator"];
export type LayerSpec = GeneratorSpec["layers"][number];
export type StoredWeightsSpec = z.infer<typeof weights>;
export type WeightType = StoredWeightsSpec["dtype"];
export type ActivationName = z.infer<typeof activation>;

/** A bundle that can't be trusted or read; the message names the file, what was expected and what came. */
export class BundleError extends Error {
  override readonly name = "BundleError";

  constructor(message: string) {
    super(printable(message));
  }
}

/** The manifest's one spelling; a manifest file holds exactly this text. */
export function serialiseManifest(manifest: Manifest): string {
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

/** The version that a manifest with this content has. */
export async function manifestVersion(manifest: Manifest): Promise<string> {
  const text = serialiseManifest({ ...manifest, version: "" });
  // Cloudflare's types leave open whether the encoder's memory is shared; the copy's is not.
  return (await sha256Hex(new Uint8Array(new TextEncoder().encode(text)))).slice(0, 16);
}

/**
 * Reads and verifies a manifest.
 *
 * @param where what to call the file in errors, say `models/glyphs/manifest.json`
 * @throws BundleError if it isn't JSON, of another format version, not as the schema says, or altered
 */
export async function parseManifest(text: string, where: string): Promise<Manifest> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    // The engine's message quotes the text, line breaks and all.
    const reason = (error as Error).message.replaceAll(/\s+/g, " ");
    throw new BundleError(`${where}: not JSON (${reason}). Export the model again.`);
  }
  const found = (json as { formatVersion?: unknown } | null)?.formatVersion;
  if (!manifestSchema.shape.formatVersion.safeParse(found).success) {
    throw new BundleError(
      `${where}: format version ${JSON.stringify(found)}, but this program reads ` +
        `${OLDEST_FORMAT_VERSION} to ${FORMAT_VERSION}. ` +
        "Export the model again, or use the program that made it.",
    );
  }
  const result = manifestSchema.safeParse(json);
  if (!result.success) {
    const issue = result.error.issues[0]!;
    throw new BundleError(
      `${where}: ${issue.path.join(".") || "manifest"}: ${issue.message}. Export the model again.`,
    );
  }
  // The parsed value lists keys in the schema's order; the file's own order is what was hashed.
  const manifest = json as Manifest;
  checkLabels(manifest, where);
  if (serialiseManifest(manifest) !== text || (await manifestVersion(manifest)) !== manifest.version) {
    throw new BundleError(
      `${where}: altered since it was exported (version ${manifest.version}). Export the model again.`,
    );
  }
  return manifest;
}

function checkLabels({ conditional, labels, latent: { labelCounts } }: Manifest, where: string): void {
  if (!conditional && !labelCounts) return;
  const counted = labelCounts?.length ?? 0;
  if (!conditional || counted !== labels?.length || !labelCounts!.some((each) => each > 0)) {
    throw new BundleError(
      `${where}: conditional is ${conditional}, and ${counted} labels are counted of ${labels?.length ?? 0}. ` +
        "Export the model again.",
    );
  }
}

/**
 * Checks a bundle file's bytes against the manifest.
 *
 * @throws BundleError naming the file, if the manifest doesn't list it or its size or hash differ
 */
export async function verifyFile(
  manifest: Manifest,
  path: string,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<void> {
  const entry = manifest.files.find((file) => file.path === path);
  if (!entry) throw new BundleError(`${manifest.name}/${path}: not listed in the manifest.`);
  if (bytes.byteLength !== entry.bytes) {
    throw new BundleError(
      `${manifest.name}/${path}: has ${bytes.byteLength} bytes, the manifest says ${entry.bytes}. Export the model again.`,
    );
  }
  const hash = await sha256Hex(bytes);
  if (hash !== entry.sha256) {
    throw new BundleError(
      `${manifest.name}/${path}: SHA-256 is ${hash.slice(0, 12)}…, the manifest says ${entry.sha256.slice(0, 12)}…: ` +
        "the file was altered. Export the model again.",
    );
  }
}
