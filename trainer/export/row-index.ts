/** The index of training rows that don't fit in the edge's memory, and how often it finds the nearest one. */

import { createIndexedSearch } from "../../shared/indexed-search.ts";
import type { NeighbourScan, NeighbourSearch } from "../../shared/neighbour-scan.ts";
import { createPooledIndex, poolRows } from "../../shared/pooled-index.ts";
import { isPoolable } from "../../shared/pooled-rows.ts";
import type { Rows } from "../data/dataset.ts";
import { scanKernels } from "../engine/kernels.ts";
import type { OnProgress } from "./calibrate.ts";

export interface RowIndex {
  readonly kind: "pooled";
  /** [rows, stride] */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly pageRows: number;
  readonly recall: { readonly at1: number; readonly queries: number };
}

/** A page costs a read, whatever its length. The free plan has room for 20,000 static assets. */
const PAGE_BYTES = 16 * 1024;
const MAX_PAGES = 12_000;

const RECALL_QUERIES = 500;

/**
 * @param scan over the rows: the oracle
 * @returns the index, and the edge's own search by it, or null for rows that none is known for
 */
export async function indexRows(
  rows: Rows,
  shape: readonly number[],
  heldOut: Rows,
  scan: NeighbourScan,
  onProgress: OnProgress,
): Promise<{ readonly index: RowIndex; readonly search: NeighbourSearch } | null> {
  const { values, count: rowCount, length } = rows;
  if (!(values instanceof Uint8Array) || !isPoolable({ dtype: "uint8", rowCount, shape })) return null;
  const kernels = scanKernels();
  const bytes = poolRows(kernels.pooled, values, shape);
  const index = createPooledIndex(kernels.pooled, rowCount, shape);
  index.bytes.set(bytes);
  const search = createIndexedSearch({
    dtype: "uint8",
    rowCount,
    shape,
    kernels,
    index,
    aligns: true,
    reader: {
      read: async (numbers) =>
        Array.from(numbers, (row) => values.subarray(row * length, (row + 1) * length)),
    },
  });
  const at1 = await recallAt1(search, scan, heldOut, onProgress);
  const pageRows = Math.max(1, Math.round(PAGE_BYTES / length), Math.ceil(rowCount / MAX_PAGES));
  return {
    index: {
      kind: "pooled",
      bytes,
      pageRows,
      recall: { at1, queries: Math.min(heldOut.count, RECALL_QUERIES) },
    },
    search,
  };
}

/** The share of held-out examples whose nearest row, or one as near, is found; 1 of none. */
async function recallAt1(
  search: NeighbourSearch,
  scan: NeighbourScan,
  { values, count, length }: Rows,
  onProgress: OnProgress,
): Promise<number> {
  const queries = Math.min(count, RECALL_QUERIES);
  let found = 0;
  for (let i = 0; i < queries; i++) {
    const query = values.subarray(i * length, (i + 1) * length);
    const nearby = await search.around(query, 1);
    if (nearby.search(query, 1).distances[0] === scan.search(query, 1).distances[0]) found++;
    if (i % 20 === 0) {
      onProgress(i, queries);
      // Lets the display draw and Ctrl-C through.
      await new Promise(setImmediate);
    }
  }
  return queries === 0 ? 1 : found / queries;
}
