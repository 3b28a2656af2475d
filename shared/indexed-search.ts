/**
 * Search where the rows don't fit in memory: an index names candidates, their rows are read from where they lie, and
 * among them the nearest are found exactly. A row that the index doesn't name isn't found: the export measures how
 * often that is so.
 */

import type { CandidateIndex } from "./candidate-index.ts";
import { createImageScan } from "./image-scan.ts";
import {
  checkRow,
  checkSearch,
  type NearbyRows,
  type NeighbourScan,
  type NeighbourScanSpec,
  type NeighbourSearch,
  type Row,
} from "./neighbour-scan.ts";
import type { RowReader } from "./row-pages.ts";
import type { ScanKernels } from "./training-scan.ts";

/** The neighbourhood of the statistic. On MNIST one of 8 finds as many altered copies as one of 50. */
const ALIGNED = 8;

export interface IndexedSearchSpec extends NeighbourScanSpec {
  readonly index: CandidateIndex;
  readonly reader: RowReader;
  readonly kernels: ScanKernels;
  /** Whether the index names rows to align; see aligned-distance.ts. */
  readonly aligns: boolean;
}

export function createIndexedSearch(spec: IndexedSearchSpec): NeighbourSearch {
  const { index, reader, kernels, dtype, rowCount, shape, aligns } = spec;
  const rowLength = shape.reduce((product, size) => product * size, 1);
  const asRow = (bytes: Uint8Array<ArrayBuffer>): Row =>
    dtype === "uint8" ? bytes : new Float32Array(bytes.buffer, bytes.byteOffset, rowLength);
  const alignedNeighbourhood = aligns ? ALIGNED : 0;
  const { depth } = index;

  // Made once: memories of their own for every query would wait to be collected.
  const scans = new Map<number, NeighbourScan>();
  const alignedAmong = (rows: readonly Uint8Array[], query: Row) => {
    const scan = scans.get(rows.length) ?? createImageScan(kernels, { dtype, rowCount: rows.length, shape });
    scans.set(rows.length, scan);
    rows.forEach((row, i) => {
      scan.rows.set(row, i * rowLength);
    });
    scan.rowsChanged();
    return scan.alignedDistances!(query);
  };

  const search: NeighbourSearch = {
    dtype,
    rowCount,
    rowLength,
    memoryBytes: index.memoryBytes,
    alignedNeighbourhood,
    async row(number) {
      checkRow(search, number);
      const [bytes] = await reader.read([number]);
      return asRow(bytes!);
    },
    async around(query, k, exclude = -1) {
      checkSearch(search, query, k);
      const counts = {
        nearest: Math.max(depth.nearest, k + depth.spare),
        similar: aligns ? depth.similar : 0,
      };
      const { nearest, similar } = await index.candidates(query, counts, exclude);
      // The same ones are aligned whatever k is, as a p-value must not depend on it.
      const aligned = new Set([...nearest.subarray(0, depth.aligned), ...similar]);
      // In the rows' order, so that the lower one wins a tie.
      const numbers = [...new Set([...aligned, ...nearest])].sort((a, b) => a - b);
      const rows = await reader.read(numbers);
      const nearby: NearbyRows = {
        search(_query, wanted, leftOut = -1) {
          checkSearch(search, query, wanted);
          const found = numbers
            .map((number, i) => ({ number, distance: distanceOf(query, asRow(rows[i]!)) }))
            .filter(({ number }) => number !== leftOut)
            .sort((a, b) => a.distance - b.distance || a.number - b.number)
            .slice(0, wanted);
          return {
            indices: Uint32Array.from(found, ({ number }) => number),
            distances: Float64Array.from(found, ({ distance }) => distance),
          };
        },
        alignedDistances: aligns
          ? () => {
              const chosen = rows.filter((_, i) => aligned.has(numbers[i]!));
              return alignedAmong(chosen, query);
            }
          : null,
      };
      return nearby;
    },
  };
  return search;
}

/** As the scans compute it: exact sums for bytes, float64 for float32. */
function distanceOf(query: Row, row: Row): number {
  let squared = 0;
  for (let i = 0; i < query.length; i++) squared += (query[i]! - row[i]!) ** 2;
  return Math.sqrt(squared) / (row instanceof Uint8Array ? 255 : 1);
}
