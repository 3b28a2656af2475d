/** Fills a bucket, file by file, and goes on where an earlier run stopped. */

import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { StoredFile } from "./assets.ts";

export interface UploadOptions {
  /** Stores one file; throws if it couldn't. */
  readonly put: (file: StoredFile) => Promise<void>;
  /** Where it is kept what is stored already. */
  readonly stateFile: string;
  readonly onProgress: (path: string, done: number, total: number) => void;
}

/**
 * Stores the files in their order. What lies under a version never changes, so what is there stays; manifests and the
 * list of models, which make a version the served one, are stored every time, and last.
 */
export async function uploadFiles(
  files: readonly StoredFile[],
  { put, stateFile, onProgress }: UploadOptions,
): Promise<{ readonly stored: number; readonly skipped: number }> {
  const done = new Set(await readState(stateFile));
  let stored = 0;
  for (const [i, file] of files.entries()) {
    if (done.has(file.path)) continue;
    onProgress(file.path, i, files.length);
    await put(file);
    stored++;
    if (!isVersioned(file)) continue;
    done.add(file.path);
    await writeState(stateFile, [...done]);
  }
  return { stored, skipped: files.length - stored };
}

/** NAME/VERSION/FILE */
function isVersioned({ path }: StoredFile): boolean {
  return path.split("/").length === 3;
}

/** What is stored already, as `writeState` left it. */
export async function readState(file: string): Promise<readonly string[]> {
  const text = await readFile(file, "utf8").catch(() => "[]");
  return JSON.parse(text) as readonly string[];
}

/** Whole or not at all: a run may be interrupted at any time. */
export async function writeState(file: string, paths: readonly string[]): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(`${file}.new`, `${JSON.stringify(paths, null, 1)}\n`);
  await rename(`${file}.new`, file);
}
