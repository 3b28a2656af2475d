/** Optional npm packages: whether they are installed, without loading them. */

import { createRequire } from "node:module";
import type { Availability } from "./kind.ts";

const { resolve } = createRequire(import.meta.url);

/** The first that isn't installed; null if none is missing. */
export function missingPackage(names: readonly string[], remedy: string): Availability | null {
  const missing = names.find((name) => !isInstalled(name));
  return missing === undefined ? null : { works: false, reason: `${missing} is not installed`, remedy };
}

function isInstalled(name: string): boolean {
  try {
    resolve(name);
    return true;
  } catch {
    return false;
  }
}
