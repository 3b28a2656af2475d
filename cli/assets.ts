/** Puts together what the Worker serves from: bundles, checked file by file, and the playground. */

import { copyFile, link, mkdir, writeFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { MODEL_LIST } from "../edge/model-store.ts";
import { type Bundle, openBundle } from "../trainer/bundle-reader.ts";
import { InputError } from "../trainer/input-error.ts";
import { buildPlayground } from "./build-worker.ts";

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

/**
 * Writes the assets folder. Bundle files are linked rather than copied where that is possible: a bundle that is
 * exported anew replaces files and does not change them, so the folder keeps what was checked.
 */
export async function writeAssets(directory: string, bundles: readonly Bundle[]): Promise<void> {
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
