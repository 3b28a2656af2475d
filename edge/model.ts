/** One version of a model: its manifest, and its parts as requests need them. */

import { BundleError, type Manifest, verifyFile } from "../shared/manifest.ts";
import type { ScanKernels } from "../shared/training-scan.ts";
import type { BundleFiles } from "../shared/training-search.ts";
import type { VectorDatabase } from "../shared/vector-index.ts";
import type { Generator, LoadGenerator, ReadFile } from "./generator.ts";
import type { MemoryBudget } from "./memory-budget.ts";
import { filePath, type ModelStorage, openFile, readPage, readWhole, streamInto } from "./storage/storage.ts";
import { loadTrainingExamples, type TrainingExamples, trainingBytes } from "./training-examples.ts";

export interface Model {
  readonly manifest: Manifest;
  /** The manifest's text, byte for byte. */
  readonly manifestText: string;
  /** name@version */
  readonly id: string;
  readonly generator: () => Promise<Generator>;
  /** @throws Problem no-training-examples */
  readonly trainingExamples: () => Promise<TrainingExamples>;
  /** Reads a file of the bundle from end to end, once: a request that streams it can't take back what it has sent. */
  readonly checkFile: (path: string) => Promise<void>;
  /** A raw file of the bundle, as stored. */
  readonly openFile: (path: string) => Promise<Response>;
  /** A request uses the model from `take` to `release`: nothing that it may need is dropped meanwhile. */
  take(): void;
  release(): void;
}

/** A model as its store sees it. */
export interface LoadedModel extends Model {
  readonly hasGenerator: () => boolean;
  /** There is a newer version: drops everything once no request uses it any more. */
  retire(): void;
}

export interface ModelSource {
  readonly storage: ModelStorage;
  readonly budget: MemoryBudget;
  readonly loadGenerator: LoadGenerator;
  readonly scanKernels: ScanKernels;
  readonly vectors: VectorDatabase | null;
  /** A file was missing, or not the manifest's: perhaps there is a newer manifest. */
  readonly onRefused: () => void;
}

/** A request that its host cut short never gives its model back; after a minute it is taken for gone. */
const LONGEST_USE_MS = 60_000;

export function createModel(manifest: Manifest, manifestText: string, source: ModelSource): LoadedModel {
  const { storage, budget, loadGenerator, scanKernels, vectors, onRefused } = source;
  const pathOf = (file: string) => filePath(manifest.name, manifest.version, file);
  const noticing = <T>(load: () => Promise<T>) =>
    load().catch((error: unknown) => {
      if (error instanceof BundleError) onRefused();
      throw error;
    });
  const readFile: ReadFile = async (file) => {
    const { bytes } = await readWhole(storage, pathOf(file));
    await verifyFile(manifest, file, bytes);
    return bytes;
  };
  const fileChecks = new Map<string, Promise<void>>();
  const checkFile = (file: string) => {
    const check = noticing(async () => void (await readFile(file)));
    fileChecks.set(file, check);
    check.catch(() => fileChecks.delete(file));
    return check;
  };
  const files: BundleFiles = {
    readFile,
    async readInto(file, target) {
      await streamInto(target, await openFile(storage, pathOf(file)), pathOf(file));
      await verifyFile(manifest, file, target);
    },
    readPage: (page) => noticing(() => readPage(storage, pathOf(page.file), page)),
  };
  let users = 0;
  let takenAt = 0;
  let isRetired = false;
  const isInUse = () => users > 0 && Date.now() - takenAt < LONGEST_USE_MS;
  const generator = budget.part({
    what: `the weights of model "${manifest.name}"`,
    bytes: generatorBytes(manifest),
    isInUse,
    load: () => noticing(() => loadGenerator(manifest, readFile)),
  });
  const training = budget.part({
    what: `the training examples of model "${manifest.name}"`,
    bytes: trainingBytes(manifest),
    isInUse,
    load: () => noticing(() => loadTrainingExamples({ manifest, files, scanKernels, vectors })),
  });
  const dropAll = () => {
    generator.drop();
    training.drop();
  };
  return {
    manifest,
    manifestText,
    id: `${manifest.name}@${manifest.version}`,
    generator: generator.get,
    trainingExamples: training.get,
    checkFile: (file) => fileChecks.get(file) ?? checkFile(file),
    openFile: (file) => noticing(() => openFile(storage, pathOf(file))),
    take() {
      users++;
      takenAt = Date.now();
    },
    release() {
      users--;
      if (users === 0 && isRetired) dropAll();
    },
    hasGenerator: generator.isKept,
    retire() {
      isRetired = true;
      if (!isInUse()) dropAll();
    },
  };
}

/** Of the weights as they are stored for our kernel, or else as TF.js has them. */
export function generatorBytes({ files }: Manifest): number {
  const sizeOf = (pattern: RegExp) =>
    files.filter(({ path }) => pattern.test(path)).reduce((sum, { bytes }) => sum + bytes, 0);
  return sizeOf(/^generator\./) || sizeOf(/^weights\./);
}
