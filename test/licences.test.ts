/** What is installed with the product may be shipped with it: every dependency's licence goes with Apache-2.0. */

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

interface LockedPackage {
  readonly version: string;
  readonly license?: string;
  readonly dev?: boolean;
  readonly hasInstallScript?: boolean;
}

const read = (file: string) => JSON.parse(readFileSync(new URL(`../${file}`, import.meta.url), "utf8"));
const { packages } = read("package-lock.json") as { packages: Record<string, LockedPackage> };
const product = read("package.json") as Record<string, Record<string, string | boolean>>;

const nameOf = (path: string) => path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);
const shipped = Object.entries(packages).filter(
  ([path, { dev }]) => path.startsWith("node_modules/") && !dev,
);

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

test("every direct dependency has an exact version", () => {
  for (const group of ["dependencies", "devDependencies", "peerDependencies", "optionalDependencies"]) {
    for (const [name, version] of Object.entries(product[group] ?? {})) {
      expect(version, name).toMatch(/^\d+\.\d+\.\d+(-[\w.]+)?$/);
    }
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
