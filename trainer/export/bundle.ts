/** Writes an exported bundle: the whole of it, or nothing. */

import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { z } from "zod";
import {
  FORMAT_VERSION,
  type LayerSpec,
  MAX_FILE_BYTES,
  type Manifest,
  manifestSchema,
  manifestVersion,
  type OutputSpec,
  parseManifest,
  serialiseManifest,
} from "../../shared/manifest.ts";
import { PAGE_HASH_BYTES, pageHash, rowPages } from "../../shared/row-pages.ts";
import { sha256Hex } from "../../shared/sha256.ts";
import { version } from "../../shared/version.ts";
import type { Rows } from "../data/dataset.ts";
import type { ParameterValues } from "../engine/engine.ts";
import { removeLeftovers } from "../leftovers.ts";
import { CREATOR, checkDestination } from "./destination.ts";
import type { BundleFile } from "./files.ts";
import { layersModelFiles } from "./layers-model.ts";
import { modelCard } from "./model-card.ts";
import { onnxModelFile } from "./onnx-model.ts";
import type { RowIndex } from "./row-index.ts";
import { FLOAT32_WEIGHTS, type StoredWeights, storedWeightFiles } from "./store-weights.ts";

export interface BundleContent {
  readonly name: string;
  /** Numbers that the generator takes, those that say a class among them. */
  readonly latentSize: number;
  /** Training examples of every class, where the generator takes one. */
  readonly labelCounts?: readonly number[] | null;
  readonly layers: readonly LayerSpec[];
  /** By the names that `layerParameters` gives. */
  readonly weights: ParameterValues;
  /** What `weights` are stored as for our kernel; float32 if left out. */
  readonly storedWeights?: StoredWeights;
  readonly output: OutputSpec;
  readonly labels: readonly string[] | null;
  readonly training: Manifest["training"];
  readonly dataset: Manifest["dataset"];
  readonly metrics: Readonly<Record<string, number>>;
  /** Training examples to publish with the model; null leaves them out, and with them the memorisation check. */
  readonly train: Rows | null;
  readonly calibration: CalibrationContent | null;
  /** Of every training example the distance to the nearest other one; null leaves it to the edge. */
  readonly siblings: Float32Array<ArrayBuffer> | null;
  /** What the edge keeps in memory instead of `train`; null: it holds the rows. */
  readonly index: RowIndex | null;
  /** A PNG. */
  readonly preview: Uint8Array<ArrayBuffer>;
  /** A self-contained HTML page. */
  readonly report: string;
}

export type CalibrationContent = Omit<NonNullable<Manifest["calibration"]>, "file" | "heldOut"> & {
  /** The statistic of every calibration example, in any order. */
  readonly nullStatistics: Float32Array<ArrayBuffer>;
};

/**
 * Writes `directory`, replacing a bundle that is there.
 *
 * Everything is written to a temporary folder beside it first and renamed into place at the end. What an export
 * that was killed left there is removed.
 *
 * @throws InputError if it can't be written there; Error if the content makes no valid bundle
 */
export async function writeBundle(directory: string, content: BundleContent): Promise<Manifest> {
  const target = resolve(directory);
  await checkDestination(directory);
  const { manifest, files } = await assembleBundle(content);
  // Whatever the readers would refuse is refused here.
  await parseManifest(serialiseManifest(manifest), `export: ${content.name}/manifest.json`);
  const [parent, prefix] = [dirname(target), `.${basename(target)}-`];
  const temporary = await mkdtemp(join(parent, prefix));
  try {
    for (const { path, bytes } of files) await writeFile(join(temporary, path), bytes, { flush: true });
    await writeFile(join(temporary, "manifest.json"), serialiseManifest(manifest), { flush: true });
    await replaceFolder(temporary, target);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
  await removeLeftovers(parent, prefix);
  return manifest;
}

async function assembleBundle(content: BundleContent): Promise<{ manifest: Manifest; files: BundleFile[] }> {
  const {
    layers,
    latentSize,
    labelCounts = null,
    output,
    weights,
    storedWeights = FLOAT32_WEIGHTS,
  } = content;
  const stored = storedWeightFiles(storedWeights);
  const rows = content.train && rowFiles(content.train, content.siblings);
  const calibration = content.calibration && calibrationFile(content.calibration);
  const index = content.index && rows && (await indexFiles(content.index, rows));
  const draft: Omit<Manifest, "files"> = {
    formatVersion: FORMAT_VERSION,
    name: content.name,
    version: "",
    createdBy: `${CREATOR} ${version}`,
    latent: {
      size: latentSize - (labelCounts?.length ?? 0),
      distribution: "normal",
      ...(labelCounts && { labelCounts: [...labelCounts] }),
    },
    generator: {
      layers: [...layers],
      parameterCount: Object.values(weights).reduce((count, values) => count + values.length, 0),
      weights: {
        dtype: storedWeights.dtype,
        files: stored?.map(({ path }) => path) ?? null,
        error: storedWeights.error,
      },
    },
    output,
    labels: content.labels && [...content.labels],
    conditional: labelCounts !== null,
    training: content.training,
    dataset: content.dataset,
    metrics: { ...content.metrics },
    neighbours: rows && {
      ...rows.neighbours,
      index: index?.entry ?? null,
    },
    calibration: calibration?.entry ?? null,
  };
  const files: BundleFile[] = [
    ...(stored ?? []),
    ...layersModelFiles(layers, latentSize, output, weights),
    onnxModelFile(layers, latentSize, output, weights),
    ...(rows?.files ?? []),
    ...(index?.files ?? []),
    ...(calibration ? [calibration.file] : []),
    { path: "manifest.schema.json", bytes: new TextEncoder().encode(manifestJsonSchema()) },
    { path: "preview.png", bytes: content.preview },
    { path: "report.html", bytes: new TextEncoder().encode(content.report) },
    { path: "README.md", bytes: new TextEncoder().encode(modelCard(draft)) },
  ];
  const entries = await Promise.all(
    files.map(async ({ path, bytes }) => ({ path, bytes: bytes.byteLength, sha256: await sha256Hex(bytes) })),
  );
  for (const { path, bytes } of entries) {
    if (bytes > MAX_FILE_BYTES) {
      throw new Error(
        `export: ${path} has ${bytes} bytes, more than the ${MAX_FILE_BYTES} that the edge serves`,
      );
    }
  }
  const unnamed: Manifest = { ...draft, files: entries };
  return { manifest: { ...unnamed, version: await manifestVersion(unnamed) }, files };
}

/** The manifest's format for readers in other languages. */
function manifestJsonSchema(): string {
  return `${JSON.stringify(z.toJSONSchema(manifestSchema), null, 2)}\n`;
}

/** Files that the edge loads into memory: it hashes each at once, which takes as much memory again. */
const SHARD_BYTES = 8 * 1024 * 1024;

function rowFiles(
  rows: Rows,
  siblings: Float32Array<ArrayBuffer> | null,
): {
  neighbours: Omit<NonNullable<Manifest["neighbours"]>, "index">;
  files: BundleFile[];
} {
  const rowBytes = rows.length * rows.values.BYTES_PER_ELEMENT;
  const perShard = Math.max(1, Math.floor(SHARD_BYTES / rowBytes));
  const shards: { file: string; rowCount: number }[] = [];
  const files: BundleFile[] = [];
  for (let first = 0; first < rows.count; first += perShard) {
    const rowCount = Math.min(perShard, rows.count - first);
    const file = `train.${shards.length}.bin`;
    shards.push({ file, rowCount });
    files.push({
      path: file,
      bytes: bytesOf(rows.values.subarray(first * rows.length, (first + rowCount) * rows.length)),
    });
  }
  const labelsFile = rows.labels ? "train.labels.bin" : null;
  if (rows.labels) files.push({ path: "train.labels.bin", bytes: bytesOf(rows.labels) });
  const siblingsFile = siblings ? "train.siblings.bin" : null;
  if (siblings) files.push({ path: "train.siblings.bin", bytes: bytesOf(siblings) });
  const neighbours = {
    dtype: rows.values instanceof Uint8Array ? ("uint8" as const) : ("float32" as const),
    metric: "l2" as const,
    rowCount: rows.count,
    rowLength: rows.length,
    shards,
    labelsFile,
    siblingsFile,
  };
  return { neighbours, files };
}

function calibrationFile({ nullStatistics, ...rest }: CalibrationContent) {
  const file = "calibration.bin";
  const ascending = nullStatistics.slice().sort();
  return {
    entry: { ...rest, heldOut: ascending.length, file },
    file: { path: file, bytes: bytesOf(ascending) },
  };
}

/** The index in parts, and the hashes of the pages that the rows are read by. */
async function indexFiles(
  { kind, bytes, dimensions, pageRows, recall }: RowIndex,
  { neighbours, files }: ReturnType<typeof rowFiles>,
): Promise<{ entry: NonNullable<NonNullable<Manifest["neighbours"]>["index"]>; files: BundleFile[] }> {
  const parts = bytes ? indexParts(bytes) : [];
  const shards = new Map(files.map((file) => [file.path, file.bytes]));
  const pages = rowPages({ ...neighbours, index: null }, pageRows);
  const hashes = new Uint8Array(pages.length * PAGE_HASH_BYTES);
  for (const [i, { file, offset, length }] of pages.entries()) {
    const page = shards.get(file)!.slice(offset, offset + length);
    hashes.set(await pageHash(page), i * PAGE_HASH_BYTES);
  }
  const pagesFile = "train.pages.bin";
  const paged = { pageRows, pagesFile, recall };
  return {
    entry:
      kind === "principal"
        ? { kind, files: parts.map(({ path }) => path), ...paged }
        : { kind, dimensions, ...paged },
    files: [...parts, { path: pagesFile, bytes: hashes }],
  };
}

function indexParts(bytes: Uint8Array<ArrayBuffer>): BundleFile[] {
  const parts = Math.ceil(bytes.length / SHARD_BYTES);
  const partBytes = Math.ceil(bytes.length / parts);
  return Array.from({ length: parts }, (_, i) => ({
    path: `index.${i}.bin`,
    bytes: bytes.subarray(i * partBytes, Math.min(bytes.length, (i + 1) * partBytes)),
  }));
}

function bytesOf(values: Uint8Array<ArrayBuffer> | Uint16Array<ArrayBuffer> | Float32Array<ArrayBuffer>) {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/**
 * Renames `source` to `target`; a folder that is there steps aside, and is removed after or put back.
 *
 * Node can't exchange two folders, and a link in a bundle's place would break when the bundle is moved. So there
 * are two renames, and between them a moment without a bundle: who reads then finds none, or, having begun on the old
 * one, files whose hashes the manifest doesn't tell. It is refused by name, never half read.
 */
async function replaceFolder(source: string, target: string): Promise<void> {
  const aside = `${source}.old`;
  const replaced = await rename(target, aside).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return false;
      throw error;
    },
  );
  await rename(source, target).catch(async (error: unknown) => {
    if (replaced) await rename(aside, target);
    throw error;
  });
  if (replaced) await rm(aside, { recursive: true });
}
