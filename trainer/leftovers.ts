/** Folders are written under a passing name and renamed when they are whole; a killed process leaves such a one. */

import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";

/** mkdtemp's six characters, and what `replaceFolder` adds. */
const SUFFIX = /^\w{6}(\.old)?$/;
/** Younger ones may belong to a process that is still writing. */
const HOUR_MS = 3_600_000;

/**
 * Removes what killed processes left in `parent` an hour ago or earlier. One that can't be removed stays.
 *
 * @param prefix that was given to `mkdtemp`, without the folder
 */
export async function removeLeftovers(parent: string, prefix: string): Promise<void> {
  const names = await readdir(parent).catch(() => []);
  for (const name of names) {
    if (!name.startsWith(prefix) || !SUFFIX.test(name.slice(prefix.length))) continue;
    const path = join(parent, name);
    const written = await stat(path).catch(() => null);
    if (written?.isDirectory() && Date.now() - written.mtimeMs > HOUR_MS) {
      await rm(path, { recursive: true, force: true }).catch(() => {});
    }
  }
}
