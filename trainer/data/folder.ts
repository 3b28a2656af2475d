/** What is at a path that the user gave. */

import { readdir, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { InputError } from "../input-error.ts";

export async function isFolder(path: string): Promise<boolean> {
  return (await stat(path)).isDirectory();
}

/** A folder's names, sorted. */
export async function listFolder(folder: string): Promise<string[]> {
  return (await readdir(folder)).sort();
}

/** "the folder holds a, b, c and 7 more", for errors. */
export function describeNames(names: readonly string[]): string {
  if (names.length === 0) return "the folder is empty";
  const shown = names.slice(0, 6).join(", ");
  return `the folder holds ${shown}${names.length > 6 ? ` and ${names.length - 6} more` : ""}`;
}

/** The path itself if it is a file whose name matches, or the files directly in the folder that match. */
export async function matchingFiles(path: string, pattern: RegExp): Promise<string[]> {
  const candidates = (await isFolder(path))
    ? (await listFolder(path)).map((name) => join(path, name))
    : [path];
  return candidates.filter((file) => pattern.test(basename(file)));
}

/** The one file that matches. */
export async function onlyMatchingFile(path: string, pattern: RegExp): Promise<string> {
  const files = await matchingFiles(path, pattern);
  if (files.length > 1) {
    const names = files.map((file) => basename(file)).join(", ");
    throw new InputError(`${path}: holds several data files (${names}). Give one of them with --data.`);
  }
  return files[0]!;
}

/** What to call the data at a path: its last part, without the endings of a data file. */
export function dataName(path: string): string {
  return basename(resolve(path)).replace(/(\.(gz|tar|tgz|npy|npz|csv|tsv|bin))+$/i, "") || "data";
}
