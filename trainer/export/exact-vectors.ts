/** A vector database that searches exactly, in memory: what Vectorize approximates, for calibrating and measuring. */

import { MAX_NEIGHBOURS } from "../../shared/neighbour-scan.ts";
import { createPlainScan } from "../../shared/plain-scan.ts";
import { cellsOf, pooledStride, poolRows } from "../../shared/pooled-rows.ts";
import { type VectorDatabase, vectorId } from "../../shared/vector-index.ts";
import { scanKernels } from "../engine/kernels.ts";

/** @param images uint8 [n, …shape] */
export function exactVectors(images: Uint8Array, shape: readonly number[]): VectorDatabase {
  const kernels = scanKernels();
  const stride = pooledStride(shape);
  const cells = cellsOf(shape, 2);
  const pooled = poolRows(kernels.pooled, images, shape);
  const rowCount = pooled.length / stride;
  const scan = createPlainScan(kernels.scan, { dtype: "uint8", rowCount, shape: [cells] });
  for (let row = 0; row < rowCount; row++) {
    scan.rows.set(pooled.subarray(row * stride, row * stride + cells), row * cells);
  }
  return {
    async query(vector, { topK, namespace }) {
      const { indices, distances } = scan.search(Uint8Array.from(vector), Math.min(topK, MAX_NEIGHBOURS));
      const matches = Array.from(indices, (row, i) => ({
        id: vectorId(namespace, row),
        score: distances[i]! * 255,
      }));
      return { matches };
    },
  };
}
