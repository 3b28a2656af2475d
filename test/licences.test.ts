/** What is installed with the product may be shipped with it: every dependency's licence goes with Apache-2.0. */

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

interface LockedPackage {
  readonly version: string;
  readonly license?: string;
  readonly dev?: boolean;
  readonly hasInstallScript?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const read = (file: string) => JSON.parse(readFileSync(new URL(`../${file}`, import.meta.url), "utf8"));
const { packages } = read("package-lock.json") as { packages: Record<string, LockedPackage> };
const product = read("package.json") as Record<string, Record<string, string | boolean>>;

const nameOf = (path: string) => path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);
/** In the package as bundles: the Worker's, the embed's, the charts'. */
const BUNDLED = [
  "@tensorflow/tfjs-backend-wasm",
  "@tensorflow/tfjs-core",
  "@tensorflow/tfjs-layers",
  "vega",
  "vega-lite",
];

/** What comes with the package, is in it, or is added where a command needs it, and all that those depend on. */
const shipped = (() => {
  const paths = new Set(
    [...Object.keys(product["dependencies"]!), ...Object.keys(product["peerDependencies"]!), ...BUNDLED]
      .map((name) => `node_modules/${name}`)
      .filter((path) => packages[path]),
  );
  // A set's iteration reaches what is added meanwhile.
  for (const path of paths) {
    const { dependencies, optionalDependencies } = packages[path]!;
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
      const found = foundFrom(path, name);
      if (found) paths.add(found);
    }
  }
  return [...paths].map((path) => [path, packages[path]!] as const);
})();

/** Where a package finds another one: in its own folder, or in one around it; null: it is another platform's. */
function foundFrom(path: string, name: string): string | null {
  for (let folder = path; ; folder = folder.slice(0, folder.lastIndexOf("/node_modules/"))) {
    const inside = `${folder}/node_modules/${name}`;
    if (packages[inside]) return inside;
    if (!folder.includes("/node_modules/")) break;
  }
  return packages[`node_modules/${name}`] ? `node_modules/${name}` : null;
}

/** Ask for nothing but that their notice is kept. */
const PERMISSIVE =
  /^(MIT|ISC|0BSD|BSD-2-Clause|BSD-3-Clause|Apache-2\.0|Unlicense|CC0-1\.0|BlueOak-1\.0\.0)$/;
/** libvips, LGPL: sharp loads it as a library of its own, which the user may replace; nothing of it is in our files. */
const LOADED_AS_LIBRARY = /^@img\/sharp-/;

test("every dependency that is shipped has a licence that allows it", () => {
  expect(shipped.length).toBeGreaterThan(100);
  for (const [path, { license = "none" }] of shipped) {
    const name = nameOf(path);
    // "A OR B": either will do; "A AND B": both apply.
    const parts = license.replaceAll(/[()]/g, "").split(" AND ");
    const fits = parts.every((part) =>
      part
        .split(" OR ")
        .some(
          (each) => PERMISSIVE.test(each) || (each === "LGPL-3.0-or-later" && LOADED_AS_LIBRARY.test(name)),
        ),
    );
    expect(fits, `${name}: ${license}`).toBe(true);
  }
});

test("dependencies have exact versions; what users bring themselves may be a later one of the same kind", () => {
  for (const group of ["dependencies", "devDependencies"]) {
    for (const [name, version] of Object.entries(product[group]!)) {
      expect(version, name).toMatch(/^\d+\.\d+\.\d+(-[\w.]+)?$/);
    }
  }
  for (const [name, range] of Object.entries(product["peerDependencies"]!)) {
    expect(range, name).toMatch(/^\^?\d+\.\d+\.\d+$/);
    const locked = packages[`node_modules/${name}`]?.version;
    if (locked) expect(String(range).replace("^", ""), `${name}: not what is tested`).toBe(locked);
  }
});

test("install scripts run only for the packages that are named", () => {
  const allowed = product["allowScripts"]!;
  for (const [path, { hasInstallScript }] of Object.entries(packages)) {
    const name = nameOf(path);
    if (!hasInstallScript || path === "") continue;
    expect(Object.hasOwn(allowed, name) || name === "fsevents" || name === "sharp", name).toBe(true);
  }
});
