/** Puts together what the Worker serves from: bundles, checked file by file, the playground and the embed. */

import { copyFile, link, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { filePath, MODEL_LIST, manifestPath, type Page, pagePath } from "../edge/storage/storage.ts";
import type { Manifest } from "../shared/manifest.ts";
import { rowPages } from "../shared/row-pages.ts";
import { type Bundle, openBundle } from "../trainer/bundle-reader.ts";
import { InputError } from "../trainer/input-error.ts";
import { buildPages } from "./build-worker.ts";

/** @throws InputError if a bundle can't be trusted, or two have the same name */
export async function checkBundles(directories: readonly string[]): Promise<Bundle[]> {
  const bundles: Bundle[] = [];
  for (const directory of directories) {
    const bundle = await openBundle(directory);
    const { name } = bundle.manifest;
    const twin = bundles.find(({ manifest }) => manifest.name === name);
    if (twin) {
      throw new InputError(
        `${directory}: its model is named "${name}", and so is ${twin.directory}'s; serve one of them`,
      );
    }
    bundles.push(bundle);
  }
  return bundles;
}

/** A file of the served bundles: where a storage has it, and where its content is. */
export interface StoredFile {
  readonly path: string;
  readonly source: { readonly file: string } | { readonly text: string };
  /** How it is cut where a storage knows no ranges; null: it is read as a whole. */
  readonly pages: readonly Page[] | null;
}

/**
 * All that a storage holds, as edge/storage/storage.ts lays it out. A model's manifest comes after the files that it
 * names, and the list of models comes last: whoever writes them in this order never shows what isn't there yet.
 */
export function storedFiles(bundles: readonly Bundle[]): StoredFile[] {
  const files = bundles.flatMap(({ directory, manifest }) => [
    ...manifest.files.map(({ path }) => ({
      path: filePath(manifest.name, manifest.version, path),
      source: { file: resolve(directory, path) },
      pages: pagesOf(manifest, path),
    })),
    {
      path: manifestPath(manifest.name),
      source: { file: resolve(directory, "manifest.json") },
      pages: null,
    },
  ]);
  const names = bundles.map(({ manifest }) => manifest.name);
  return [...files, { path: MODEL_LIST, source: { text: JSON.stringify(names) }, pages: null }];
}

function pagesOf({ neighbours }: Manifest, file: string): Page[] | null {
  if (!neighbours?.index || neighbours.index.kind === "hnsw") return null;
  const pages = rowPages(neighbours, neighbours.index.pageRows).filter((page) => page.file === file);
  return pages.length > 0 ? pages : null;
}

/** The content of a stored file. */
export async function readStored({ source }: StoredFile): Promise<Uint8Array<ArrayBuffer>> {
  return "text" in source
    ? new TextEncoder().encode(source.text)
    : new Uint8Array(await readFile(source.file));
}

/** Bytes of each. */
export async function storedSizes(files: readonly StoredFile[]): Promise<number[]> {
  return Promise.all(
    files.map(async ({ source }) =>
      "text" in source ? new TextEncoder().encode(source.text).length : (await stat(source.file)).size,
    ),
  );
}

/**
 * Writes the assets folder. Bundle files are linked rather than copied where that is possible: a bundle that is
 * exported anew replaces files and does not change them, so the folder keeps what was checked.
 */
export async function writeAssets(directory: string, bundles: readonly Bundle[]): Promise<void> {
  await buildPages(directory);
  for (const file of storedFiles(bundles)) {
    const { path, source, pages } = file;
    const target = join(directory, path);
    await mkdir(pages ? target : dirname(target), { recursive: true });
    if (pages) {
      const bytes = await readStored(file);
      for (const page of pages) {
        await writeFile(
          join(directory, pagePath(path, page)),
          bytes.subarray(page.offset, page.offset + page.length),
        );
      }
    } else if ("text" in source) await writeFile(target, source.text);
    else await linkOrCopy(source.file, target);
  }
}

async function linkOrCopy(source: string, target: string): Promise<void> {
  await link(source, target).catch(() => copyFile(source, target));
}
