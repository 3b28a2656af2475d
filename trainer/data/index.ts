/** Where training data comes from: every data set that ships as code and every file format. */

import { readdir, stat } from "node:fs/promises";
import { basename } from "node:path";
import { InputError } from "../input-error.ts";
import type { Dataset } from "./dataset.ts";
import { glyphs } from "./glyphs.ts";
import { grid } from "./grid.ts";
import { mixture1d } from "./mixture1d.ts";
import type { ProceduralSource } from "./procedural.ts";
import { ring } from "./ring.ts";
import type { FileSource } from "./source.ts";

/** Data sets that need no files, by name. */
export const PROCEDURAL_SOURCES: Readonly<Record<string, ProceduralSource>> = {
  glyphs,
  ring,
  grid,
  mixture1d,
};

/** File formats, in the order in which they are tried. */
export const FILE_SOURCES: readonly FileSource[] = [];

/** What to load: files at `path`, or else the procedural data set called `name`. */
export interface DatasetRequest {
  readonly name?: string | undefined;
  readonly path?: string | undefined;
  /** A whole number from 0 to 2^53−1; draws procedural data, shuffles files that have no split. */
  readonly seed: number;
}

/**
 * Loads a data set, its three parts disjoint.
 *
 * @throws InputError if there is no such name or file, or the files can't be used
 */
export async function loadDataset({ name, path, seed }: DatasetRequest): Promise<Dataset> {
  if (path !== undefined) return loadFiles(path, seed);
  const known = Object.keys(PROCEDURAL_SOURCES).join(", ");
  if (name === undefined) throw new InputError(`data: name a data set (${known}) or give --data DIR|FILE.`);
  if (!Object.hasOwn(PROCEDURAL_SOURCES, name)) {
    throw new InputError(`data: no data set "${name}". Known: ${known}; for files give --data DIR|FILE.`);
  }
  return PROCEDURAL_SOURCES[name]!.create(seed);
}

async function loadFiles(path: string, seed: number): Promise<Dataset> {
  const status = await stat(path).catch(() => null);
  if (!status) throw new InputError(`data: ${path} does not exist. Give a folder or a file with --data.`);
  for (const source of FILE_SOURCES) {
    if (await source.detect(path)) return source.load(path, seed);
  }
  const expected = FILE_SOURCES.map((source) => source.expects).join("; ");
  throw new InputError(
    `data: ${path}: no known data format (${await describe(path, status.isDirectory())}). Expected ${expected}.`,
  );
}

/** What is at the path, in a few words. */
async function describe(path: string, isFolder: boolean): Promise<string> {
  if (!isFolder) return `the file is called ${basename(path)}`;
  const names = (await readdir(path)).sort();
  if (names.length === 0) return "the folder is empty";
  const shown = names.slice(0, 5).join(", ");
  return `the folder holds ${shown}${names.length > 5 ? ` and ${names.length - 5} more` : ""}`;
}
