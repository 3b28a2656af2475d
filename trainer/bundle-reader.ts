/** Reads an exported bundle from its folder, and trusts nothing that its manifest doesn't vouch for. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { BundleError, type Manifest, parseManifest, verifyFile } from "../shared/manifest.ts";
import { InputError } from "./input-error.ts";

export interface Bundle {
  readonly directory: string;
  readonly manifest: Manifest;
  /**
   * The bytes of a file, checked against the manifest.
   *
   * @throws InputError naming the file, if it is missing, truncated, altered or not listed
   */
  read(path: string): Promise<Uint8Array<ArrayBuffer>>;
}

/**
 * Reads a bundle's manifest and checks every file that it lists.
 *
 * @throws InputError naming the file that is missing, truncated or altered
 */
export async function openBundle(directory: string): Promise<Bundle> {
  const manifestPath = join(directory, "manifest.json");
  const text = new TextDecoder().decode(
    await readBytes(
      manifestPath,
      "is this an exported bundle? `npm run train` makes one, `npm start` models/glyphs",
    ),
  );
  const manifest = await asInputError(parseManifest(text, manifestPath));
  const read = async (path: string) => {
    // Before anything is read: a bundle can't make us open files of its choice.
    if (!manifest.files.some((file) => file.path === path)) {
      throw new InputError(`${manifest.name}/${path}: not listed in the manifest. Export the model again.`);
    }
    const bytes = await readBytes(join(directory, path), "export the model again.");
    await asInputError(verifyFile(manifest, path, bytes));
    return bytes;
  };
  for (const { path } of manifest.files) await read(path);
  return { directory, manifest, read };
}

async function readBytes(path: string, advice: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await readFile(path));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const missing = code === "ENOENT" || code === "ENOTDIR";
    throw new InputError(`${path}: ${missing ? "missing" : `not readable (${code})`}; ${advice}`);
  }
}

async function asInputError<T>(checked: Promise<T>): Promise<T> {
  return checked.catch((error: unknown) => {
    throw error instanceof BundleError ? new InputError(error.message) : error;
  });
}
