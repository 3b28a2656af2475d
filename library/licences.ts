/** Whose code a bundle has in it, and on which terms. */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

interface PackageJson {
  readonly name?: string;
  readonly version?: string;
  readonly license?: string;
}

/**
 * The licences of all packages that files come from, as one text.
 *
 * @param files of metafiles, absolute
 */
export function licencesOf(files: Iterable<string>): string {
  const folders = new Set([...files].map(packageOf).filter((folder) => folder !== null));
  const texts = [...folders].sort().map((folder) => {
    const { name, version, license } = JSON.parse(
      readFileSync(join(folder, "package.json"), "utf8"),
    ) as PackageJson;
    const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
    const text = file ? readFileSync(join(folder, file), "utf8").trim() : `Licence: ${license}`;
    return `${name} ${version}\n\n${text}\n`;
  });
  return ["The files in this folder contain parts of these packages.\n", ...texts].join(
    `\n${"-".repeat(80)}\n\n`,
  );
}

/** The folder of the package in node_modules that a file belongs to; null for our own. */
function packageOf(file: string): string | null {
  // There are inputs that are no files: what browsers have no use for.
  if (!file.includes("/node_modules/") || !existsSync(file)) return null;
  let folder = dirname(resolve(file));
  // Some packages have package.jsons without a name inside.
  while (!isPackage(folder)) folder = dirname(folder);
  return folder;
}

function isPackage(folder: string): boolean {
  const file = join(folder, "package.json");
  return existsSync(file) && (JSON.parse(readFileSync(file, "utf8")) as PackageJson).name !== undefined;
}
