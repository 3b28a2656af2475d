/** Results of pieces of work, kept as files: an interrupted run of hours goes on where it was. */

import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { sha256Hex } from "../../shared/sha256.ts";

export interface KeptUnit<Result> {
  readonly result: Result;
  /** That computing it took, now or then. */
  readonly seconds: number;
  readonly wasKept: boolean;
}

/**
 * The kept result, or a computed one.
 *
 * @param key all that the result depends on; another key is another piece of work
 */
export async function keptUnit<Result>(
  folder: string,
  name: string,
  key: unknown,
  compute: () => Promise<Result>,
): Promise<KeptUnit<Result>> {
  const text = JSON.stringify(key);
  const hash = (await sha256Hex(new Uint8Array(new TextEncoder().encode(text)))).slice(0, 12);
  const path = join(folder, `${name}-${hash}.json`);
  const kept = await readFile(path, "utf8").catch(() => null);
  if (kept !== null) {
    const { result, seconds } = JSON.parse(kept) as KeptUnit<Result>;
    return { result, seconds, wasKept: true };
  }
  const start = performance.now();
  const result = await compute();
  const seconds = (performance.now() - start) / 1000;
  await mkdir(dirname(path), { recursive: true });
  const unfinished = `${path}.${process.pid}`;
  await writeFile(unfinished, JSON.stringify({ key, seconds, result }));
  await rename(unfinished, path);
  return { result, seconds, wasKept: false };
}
