import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import hnswlib from "hnswlib-node";
import type { Rows } from "../data/dataset.ts";

const LINKS = 16;
const EF_CONSTRUCTION = 200;

/** hnswlib's saved index of the rows (L2 on the numbers as they are stored), labels = row numbers. */
export async function buildHnswIndex(
  rows: Rows,
  onProgress: (done: number, total: number) => void,
): Promise<Uint8Array<ArrayBuffer>> {
  const index = new hnswlib.HierarchicalNSW("l2", rows.length);
  index.initIndex(rows.count, LINKS, EF_CONSTRUCTION, 100);
  for (let i = 0; i < rows.count; i++) {
    index.addPoint(Array.from(rows.values.subarray(i * rows.length, (i + 1) * rows.length)), i);
    if (i % 100 === 0) {
      onProgress(i, rows.count);
      await new Promise(setImmediate);
    }
  }
  const folder = await mkdtemp(join(tmpdir(), "imle-index-"));
  try {
    const path = join(folder, "index.hnsw");
    await index.writeIndex(path);
    return new Uint8Array(await readFile(path));
  } finally {
    await rm(folder, { recursive: true });
  }
}
