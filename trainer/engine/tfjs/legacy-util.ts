/**
 * What @tensorflow/tfjs-node 4.22 takes from Node's `util` and Node 23 took out of it: TopK, the file system
 * handlers and saved models call `isNullOrUndefined` and `isArray` (tfjs issues 8425, 8609, 8746).
 */

import util from "node:util";

const LEGACY: Readonly<Record<string, (value: unknown) => boolean>> = {
  isNullOrUndefined: (value) => value === null || value === undefined,
  isArray: Array.isArray,
};

/** Puts back what is missing; what is there stays as it is. */
export function restoreLegacyUtil(): void {
  const module = util as unknown as Record<string, unknown>;
  for (const [name, test] of Object.entries(LEGACY)) module[name] ??= test;
}
