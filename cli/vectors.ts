/** Fills Vectorize with a bundle's vectors, batch by batch, and goes on where an earlier run stopped. */

import { vectorId, vectorsOf } from "../shared/vector-index.ts";
import type { Bundle } from "../trainer/bundle-reader.ts";
import { kernelModule } from "../trainer/engine/kernels.ts";
import { readState, writeState } from "./upload.ts";

/** The most that the platform takes at once. */
const BATCH_ROWS = 5000;

export interface VectorUpload {
  /** Stores lines of JSON, a vector each; throws if it couldn't. */
  readonly put: (lines: string) => Promise<void>;
  readonly stateFile: string;
  readonly onProgress: (done: number, total: number) => void;
}

export function usesVectorize({ manifest }: Bundle): boolean {
  return manifest.neighbours?.index?.kind === "vectorize";
}

export async function uploadVectors(
  { manifest, read }: Bundle,
  { put, stateFile, onProgress }: VectorUpload,
): Promise<void> {
  const { neighbours, output, version } = manifest;
  const done = new Set(await readState(stateFile));
  let first = 0;
  for (const { file, rowCount } of neighbours!.shards) {
    const rows = await read(file);
    const rowBytes = rows.length / rowCount;
    for (let start = 0; start < rowCount; start += BATCH_ROWS) {
      const batch = `${version}/${first + start}`;
      if (done.has(batch)) continue;
      onProgress(first + start, neighbours!.rowCount);
      const end = Math.min(rowCount, start + BATCH_ROWS);
      const images = rows.subarray(start * rowBytes, end * rowBytes);
      const lines = vectorsOf(kernelModule("pooled"), images, output.shape).map((values, i) =>
        JSON.stringify({
          id: vectorId(version, first + start + i),
          namespace: version,
          values: Array.from(values),
        }),
      );
      await put(`${lines.join("\n")}\n`);
      done.add(batch);
      await writeState(stateFile, [...done]);
    }
    first += rowCount;
  }
}
