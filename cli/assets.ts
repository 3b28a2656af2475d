/** Puts together what the Worker serves from: bundles, checked file by file, and the playground. */

import { copyFile, link, mkdir, readFile, writeFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { MODEL_LIST } from "../edge/model-store.ts";
import { BundleError, type Manifest, parseManifest, verifyFile } from "../shared/manifest.ts";
import { InputError } from "../trainer/input-error.ts";
import { buildPlayground } from "./build-worker.ts";

export interface CheckedBundle {
  readonly directory: string;
  readonly manifest: Manifest;
}

/**
 * Reads a bundle's manifest and checks every file that it lists.
 *
 * @throws InputError naming the file that is missing, truncated or altered
 */
export async function checkBundle(directory: string): Promise<CheckedBundle> {
  const read = async (file: string) => {
    try {
      return new Uint8Array(await readFile(join(directory, file)));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      const cause = file === "manifest.json" ? "is this an exported bundle?" : "export the model again.";
      throw new InputError(`${join(directory, file)}: missing; ${cause}`);
    }
  };
  try {
    const text = new TextDecoder().decode(await read("manifest.json"));
    const manifest = await parseManifest(text, join(directory, "manifest.json"));
    for (const { path } of manifest.files) await verifyFile(manifest, path, await read(path));
    return { directory, manifest };
  } catch (error) {
    if (error instanceof BundleError) throw new InputError(error.message);
    throw error;
  }
}

/** @throws InputError if a bundle can't be trusted, or two have the same name */
export async function checkBundles(directories: readonly string[]): Promise<CheckedBundle[]> {
  const bundles: CheckedBundle[] = [];
  for (const directory of directories) {
    const bundle = await checkBundle(directory);
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

/**
 * Writes the assets folder. Bundle files are linked rather than copied where that is possible: a bundle that is
 * exported anew replaces files and does not change them, so the folder keeps what was checked.
 */
export async function writeAssets(directory: string, bundles: readonly CheckedBundle[]): Promise<void> {
  await buildPlayground(join(directory, "playground"));
  for (const { directory: source, manifest } of bundles) {
    const target = join(directory, manifest.name);
    await mkdir(target, { recursive: true });
    for (const file of ["manifest.json", ...manifest.files.map(({ path }) => path)]) {
      await linkOrCopy(resolve(source, file), join(target, basename(file)));
    }
  }
  const names = bundles.map(({ manifest }) => manifest.name);
  await writeFile(join(directory, MODEL_LIST), JSON.stringify(names));
}

async function linkOrCopy(source: string, target: string): Promise<void> {
  await link(source, target).catch(() => copyFile(source, target));
}
