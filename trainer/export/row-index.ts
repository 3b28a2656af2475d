/** The index of training rows that don't fit in the edge's memory, and how often it finds the nearest one. */

import type { CandidateIndex } from "../../shared/candidate-index.ts";
import { createIndexedSearch } from "../../shared/indexed-search.ts";
import type { NeighbourScan, NeighbourSearch } from "../../shared/neighbour-scan.ts";
import { cellsOf, isPoolable } from "../../shared/pooled-rows.ts";
import { createPrincipalIndex } from "../../shared/principal-index.ts";
import { createVectorIndex, MAX_DIMENSIONS } from "../../shared/vector-index.ts";
import type { Rows } from "../data/dataset.ts";
import type { Engine } from "../engine/engine.ts";
import { scanKernels } from "../engine/kernels.ts";
import { InputError } from "../input-error.ts";
import type { OnProgress } from "./calibrate.ts";
import { exactVectors } from "./exact-vectors.ts";
import { principalRows } from "./principal-rows.ts";

export type IndexKind = "principal" | "vectorize";

export interface RowIndex {
  readonly kind: IndexKind;
  /** What is in memory; of Vectorize's, whose vectors are made when it is filled, null. */
  readonly bytes: Uint8Array<ArrayBuffer> | null;
  /** Numbers in Vectorize's vectors. */
  readonly dimensions: number;
  readonly pageRows: number;
  readonly recall: { readonly at1: number; readonly queries: number };
}

/** A page costs a read, whatever its length. The free plan has room for 20,000 static assets. */
const PAGE_BYTES = 16 * 1024;
const MAX_PAGES = 12_000;

const RECALL_QUERIES = 500;

/**
 * @param engine finds the directions
 * @param scan   over the rows: the oracle
 * @returns the index, and the edge's own search by it, or null for rows that none is known for
 */
export async function indexRows(
  engine: Engine,
  kind: IndexKind,
  rows: Rows,
  shape: readonly number[],
  heldOut: Rows,
  scan: NeighbourScan,
  onProgress: OnProgress,
): Promise<{ readonly index: RowIndex; readonly search: NeighbourSearch } | null> {
  const { values, count: rowCount, length } = rows;
  if (!(values instanceof Uint8Array) || !isPoolable({ dtype: "uint8", rowCount, shape })) return null;
  const kernels = scanKernels();
  const dimensions = cellsOf(shape, 2);
  if (kind === "vectorize" && dimensions > MAX_DIMENSIONS) {
    throw new InputError(
      `export.index: Vectorize takes ${MAX_DIMENSIONS} dimensions, images of ${shape.join("×")} have ${dimensions}. Use "principal".`,
    );
  }
  const bytes = kind === "principal" ? await principalRows(engine, values, length) : null;
  const index = bytes
    ? filledIndex(bytes, rowCount, shape)
    : createVectorIndex(exactVectors(values, shape), kernels.pooled, rowCount, shape, "");
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
      kind,
      bytes,
      dimensions,
      pageRows,
      recall: { at1, queries: Math.min(heldOut.count, RECALL_QUERIES) },
    },
    search,
  };
}

function filledIndex(bytes: Uint8Array, rowCount: number, shape: readonly number[]): CandidateIndex {
  const index = createPrincipalIndex(scanKernels().principal, rowCount, shape);
  index.bytes.set(bytes);
  return index;
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
