/** The served models: loaded from assets on first use, verified, and kept for the life of the isolate. */

import { BundleError, type Manifest, parseManifest, verifyFile } from "../shared/manifest.ts";
import type { MemorisationTest } from "../shared/memorisation-check.ts";
import { createTrainingScan, type ScanKernels } from "../shared/training-scan.ts";
import type { Generator, LoadGenerator, ReadFile } from "./generator.ts";
import { Problem } from "./problem.ts";

/** Fetches a static asset by its path, say `glyphs/manifest.json`; status 404 where there is none. */
export type FetchAsset = (path: string) => Promise<Response>;

/** What the memorisation check needs. */
export interface TrainingExamples extends MemorisationTest {
  /** The class name of a training example, or null where there are no classes. */
  labelOf(index: number): string | null;
}

export interface Model {
  readonly manifest: Manifest;
  /** The manifest's text, byte for byte. */
  readonly manifestText: string;
  /** name@version */
  readonly id: string;
  readonly generator: () => Promise<Generator>;
  /** @throws Problem no-training-examples */
  readonly trainingExamples: () => Promise<TrainingExamples>;
  /** A raw file of the bundle, as stored. */
  readonly openFile: (path: string) => Promise<Response>;
}

export interface ModelStore {
  /** Names of the served models; the first is the default. */
  readonly names: () => Promise<readonly string[]>;
  /** @throws Problem unknown-model */
  readonly model: (name: string) => Promise<Model>;
}

export interface ModelStoreOptions {
  readonly fetchAsset: FetchAsset;
  readonly loadGenerator: LoadGenerator;
  readonly scanKernels: ScanKernels;
}

/** The asset that lists the served models' names as a JSON array. */
export const MODEL_LIST = "models.json";

export function createModelStore(options: ModelStoreOptions): ModelStore {
  const names = once(async () => {
    const list = await openAsset(options.fetchAsset, MODEL_LIST);
    return (await list.json()) as readonly string[];
  });
  const models = new Map<string, () => Promise<Model>>();
  return {
    names,
    async model(name) {
      const known = await names();
      if (!known.includes(name)) {
        throw new Problem(
          "unknown-model",
          `no model "${name}" is served here; there are: ${known.join(", ")}`,
        );
      }
      let load = models.get(name);
      if (!load) {
        load = once(() => loadModel(name, options));
        models.set(name, load);
      }
      return load();
    },
  };
}

async function loadModel(name: string, options: ModelStoreOptions): Promise<Model> {
  const openFile = (path: string) => openAsset(options.fetchAsset, `${name}/${path}`);
  const manifestText = await (await openFile("manifest.json")).text();
  const manifest = await parseManifest(manifestText, `${name}/manifest.json`);
  const readFile: ReadFile = async (path) => {
    const bytes = new Uint8Array(await (await openFile(path)).arrayBuffer());
    await verifyFile(manifest, path, bytes);
    return bytes;
  };
  return {
    manifest,
    manifestText,
    id: `${manifest.name}@${manifest.version}`,
    generator: once(() => options.loadGenerator(manifest, readFile)),
    trainingExamples: once(() => loadTrainingExamples(manifest, openFile, readFile, options.scanKernels)),
    openFile,
  };
}

async function loadTrainingExamples(
  manifest: Manifest,
  openFile: (path: string) => Promise<Response>,
  readFile: ReadFile,
  scanKernels: ScanKernels,
): Promise<TrainingExamples> {
  const { neighbours, calibration, labels } = manifest;
  if (!neighbours || !calibration) {
    throw new Problem(
      "no-training-examples",
      `model "${manifest.name}" was exported without its ${neighbours ? "calibration" : "training examples"}, ` +
        "so nothing can be compared with them; export it with them to ask for neighbours",
    );
  }
  const { dtype, rowCount, shards, labelsFile, siblingsFile } = neighbours;
  const scan = createTrainingScan(scanKernels, { dtype, rowCount, shape: manifest.output.shape });
  if (calibration.statistic === "aligned-ratio" && !scan.alignedDistances) {
    throw new BundleError(
      `${manifest.name}/manifest.json: statistic "aligned-ratio", but ${manifest.output.shape.join("×")} ${dtype} rows ` +
        "can't be aligned. Export the model again.",
    );
  }
  const rowBytes = scan.rows.byteLength / rowCount;
  let first = 0;
  const targets = shards.map((shard) => {
    const target = scan.rows.subarray(first * rowBytes, (first + shard.rowCount) * rowBytes);
    first += shard.rowCount;
    return { file: shard.file, target };
  });
  if (first !== rowCount) {
    throw new BundleError(
      `${manifest.name}/manifest.json: ${rowCount} training examples, but ${first} in its shards. Export the model again.`,
    );
  }
  const [labelBytes, siblingBytes, nullBytes] = await Promise.all([
    labelsFile && readFile(labelsFile),
    siblingsFile && readFile(siblingsFile),
    readFile(calibration.file),
    ...targets.map(async ({ file, target }) => {
      await streamInto(target, await openFile(file), `${manifest.name}/${file}`);
      await verifyFile(manifest, file, target);
    }),
  ]);
  const classes = labelBytes ? new Uint16Array(labelBytes.buffer, 0, rowCount) : null;
  return {
    scan,
    siblings: siblingBytes ? new Float32Array(siblingBytes.buffer, 0, rowCount) : null,
    labelOf: (index) => (classes && labels ? (labels[classes[index]!] ?? null) : null),
    calibration,
    nullStatistics: new Float32Array(nullBytes.buffer),
  };
}

/** Copies a body chunk by chunk, so that a shard is never in memory twice. */
async function streamInto(target: Uint8Array, response: Response, where: string): Promise<void> {
  let offset = 0;
  // A reader, as not every host's stream is async iterable.
  const reader = response.body!.getReader();
  for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
    if (offset + chunk.value.byteLength > target.byteLength) {
      await reader.cancel();
      throw new BundleError(`${where}: longer than ${target.byteLength} bytes. Export the model again.`);
    }
    target.set(chunk.value, offset);
    offset += chunk.value.byteLength;
  }
  if (offset < target.byteLength) {
    throw new BundleError(
      `${where}: ${offset} bytes, the manifest says ${target.byteLength}. Export the model again.`,
    );
  }
}

async function openAsset(fetchAsset: FetchAsset, path: string): Promise<Response> {
  const response = await fetchAsset(path);
  if (!response.ok) {
    await response.body?.cancel();
    throw new BundleError(`${path}: missing (status ${response.status}). Export the model again.`);
  }
  return response;
}

/** Loads at the first call and shares the result, concurrent callers included; a failure is not kept. */
function once<T>(load: () => Promise<T>): () => Promise<T> {
  let pending: Promise<T> | null = null;
  return () =>
    (pending ??= load().catch((error) => {
      pending = null;
      throw error;
    }));
}
