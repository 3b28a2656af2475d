/** Where training data comes from: every data set that ships as code and every file format. */

import { stat } from "node:fs/promises";
import { join } from "node:path";
import { didYouMean } from "../did-you-mean.ts";
import { InputError } from "../input-error.ts";
import { cifar10Binary } from "./cifar10-binary.ts";
import { csv } from "./csv.ts";
import type { Dataset } from "./dataset.ts";
import { describeNames, listFolder } from "./folder.ts";
import { glyphs } from "./glyphs.ts";
import { grid } from "./grid.ts";
import { idx } from "./idx.ts";
import { imageArchive } from "./image-archive.ts";
import { imageFolder } from "./image-folder.ts";
import { mixture1d } from "./mixture1d.ts";
import { numpy } from "./numpy.ts";
import type { ProceduralSource } from "./procedural.ts";
import { ring } from "./ring.ts";
import type { FileSource, LoadOptions } from "./source.ts";
import { stackImages } from "./stacked.ts";

/** Data sets that need no files, by name. */
export const PROCEDURAL_SOURCES: Readonly<Record<string, ProceduralSource>> = {
  glyphs,
  ring,
  grid,
  mixture1d,
};

/** File formats, in the order in which they are tried. */
export const FILE_SOURCES: readonly FileSource[] = [
  idx,
  cifar10Binary,
  imageFolder,
  imageArchive,
  numpy,
  csv,
];

/** What to load: files at `path`, or else the procedural data set called `name`. */
export interface DatasetRequest extends Partial<Omit<LoadOptions, "seed">> {
  readonly name?: string | undefined;
  readonly path?: string | undefined;
  /** A whole number from 0 to 2^53−1; draws procedural data, shuffles files that have no split. */
  readonly seed: number;
  /** So many images, drawn at random, become the channels of one; 1 if left out. */
  readonly stack?: number | undefined;
}

const DEFAULT_OPTIONS: Omit<LoadOptions, "seed"> = {
  size: null,
  channels: "auto",
  strict: false,
  cacheFolder: join(".cache", "data"),
  signal: new AbortController().signal,
  reporter: { note() {}, working() {} },
};

/**
 * Loads a data set, its three parts disjoint.
 *
 * @throws InputError if there is no such name or file, or the files can't be used
 */
export async function loadDataset({ stack = 1, ...request }: DatasetRequest): Promise<Dataset> {
  const dataset = await loadPlain(request);
  return stack === 1 ? dataset : stackImages(dataset, stack, request.seed);
}

async function loadPlain({ name, path, ...options }: Omit<DatasetRequest, "stack">): Promise<Dataset> {
  if (path !== undefined) return loadFiles(path, { ...DEFAULT_OPTIONS, ...options });
  const known = Object.keys(PROCEDURAL_SOURCES).join(", ");
  if (name === undefined) throw new InputError(`data: name a data set (${known}) or give --data DIR|FILE.`);
  if (!Object.hasOwn(PROCEDURAL_SOURCES, name)) {
    throw new InputError(
      `data: no data set "${name}".${didYouMean(name, PROCEDURAL_SOURCES)} Known: ${known}; for files give --data DIR|FILE.`,
    );
  }
  return PROCEDURAL_SOURCES[name]!.create(options.seed);
}

async function loadFiles(path: string, options: LoadOptions): Promise<Dataset> {
  try {
    const status = await stat(path);
    for (const source of FILE_SOURCES) {
      if (await source.detect(path)) return await source.load(path, options);
    }
    const found = status.isDirectory() ? describeNames(await listFolder(path)) : "a file of another kind";
    const expected = FILE_SOURCES.map((source) => source.expects).join("; ");
    throw new InputError(`${path}: no data set found (${found}). Expected one of: ${expected}.`);
  } catch (error) {
    throw asInputError(error, path);
  }
}

/** What the file system refused is the user's to mend, so it gets one line like any other bad input. */
function asInputError(error: unknown, path: string): unknown {
  if (!(error instanceof Error)) return error;
  const { code, path: file = path, message, syscall } = error as NodeJS.ErrnoException;
  if (code === "ENOENT") return new InputError(`${file}: no such file or folder. Check --data.`);
  if (code === "EACCES" || code === "EPERM")
    return new InputError(`${file}: not readable: permission denied.`);
  if (syscall || code === "ERR_FS_FILE_TOO_LARGE")
    return new InputError(`${file}: not readable: ${message}.`);
  return error;
}
