/**
 * Search among images. Beside each row lie its means over 2×2 and over 4×4 pixels, a quarter and a sixteenth of
 * its bytes: they bound distances from below, so that an exact search reads few rows in full, and they choose the
 * rows that a query is aligned with. The kernels are kernels/pooled.as.ts and kernels/align.as.ts.
 */

import { layOutAligner, movedImages, POSITIONS } from "./aligned-distance.ts";
import { instantiate, layOutMemory, wholeVectors } from "./kernel-memory.ts";
import {
  checkRow,
  checkSearch,
  MAX_NEIGHBOURS,
  type NeighbourScan,
  type NeighbourScanSpec,
} from "./neighbour-scan.ts";
import {
  HISTOGRAM_BINS,
  type Level,
  layOutLevel,
  type PooledKernel,
  type PooledRows,
  shortlistOf,
  widenQueries,
} from "./pooled-rows.ts";
import type { ScanKernels } from "./training-scan.ts";

/** Rows that a query is aligned with: a few more than the neighbourhood that the statistic looks at. */
const CANDIDATES = 64;

/** As in kernels/pooled.as.ts. */
const PROBES = 64;

const VECTOR_BYTES = 16;

export function createImageScan(kernels: ScanKernels, { rowCount, shape }: NeighbourScanSpec): NeighbourScan {
  const [height = 0, width = 0, channels = 0] = shape;
  const rowLength = height * width * channels;
  const rowsBytes = rowCount * rowLength;

  const { allocate, create } = layOutMemory();
  const distancesAt = allocate(CANDIDATES * 8);
  const indicesAt = allocate(CANDIDATES * 4);
  const scoresAt = allocate(CANDIDATES * 8);
  const probeBoundsAt = allocate(PROBES * 8);
  const probesAt = allocate(PROBES * 4);
  const tailMaskAt = allocate(VECTOR_BYTES);
  const queryAt = allocate(wholeVectors(rowLength) * 2);
  const movedAt = allocate(POSITIONS.length * rowLength + VECTOR_BYTES);
  const histogramAt = allocate(HISTOGRAM_BINS * 4);
  const binsAt = allocate(wholeVectors(rowCount * 2));
  const nearAt = allocate((rowCount + 1) * 4);
  const dotsAt = allocate(wholeVectors(rowCount * 4));
  const createAligner = layOutAligner(shape, allocate);
  const fine = layOutLevel(2, shape, rowCount, allocate);
  const coarse = layOutLevel(4, shape, rowCount, allocate);
  // Rows are read in whole vectors, up to 15 bytes past the last one.
  const rowsAt = allocate(rowsBytes + VECTOR_BYTES);

  const memory = create();
  const buffer = memory.buffer as ArrayBuffer;
  const kernel = instantiate<PooledKernel>(kernels.pooled, memory);
  const aligner = createAligner(instantiate(kernels.align, memory));

  const rows = new Uint8Array(buffer, rowsAt, rowsBytes);
  const queryInt16 = new Int16Array(buffer, queryAt, rowLength);
  const moved = new Uint8Array(buffer, movedAt, POSITIONS.length * rowLength);
  new Uint8Array(buffer, tailMaskAt, rowLength % VECTOR_BYTES).fill(255);

  const poolInto = (level: Level, from: number, count: number, pooled: PooledRows) => {
    const { bytesAt, sumsAt, squaresAt, inversesAt } = pooled;
    const { factor, stride } = level;
    kernel.pool(
      from,
      rowLength,
      count,
      height,
      width,
      channels,
      factor,
      bytesAt,
      stride,
      sumsAt,
      squaresAt,
      inversesAt,
    );
  };
  let isPooled = false;
  /** Lays the query out for the kernels. The same query again, say for its aligned distances, costs nothing. */
  const place = (query: Uint8Array) => {
    if (isPooled && isSame(query, queryInt16)) return;
    if (!isPooled) for (const level of [fine, coarse]) poolInto(level, rowsAt, rowCount, level.rows);
    isPooled = true;
    queryInt16.set(query);
    movedImages(query, shape, moved);
    for (const level of [fine, coarse]) {
      poolInto(level, movedAt, POSITIONS.length, level.queries);
      widenQueries(level, buffer);
    }
    kernel.dotProducts(coarse.rows.bytesAt, rowCount, coarse.stride, coarse.widenedAt, dotsAt);
  };
  const uint32At = (offset: number) => new Uint32Array(buffer, offset, 1)[0]!;
  const float32At = (offset: number) => new Float32Array(buffer, offset, 1)[0]!;

  const scan: NeighbourScan = {
    dtype: "uint8",
    rowCount,
    rowLength,
    rows,
    memoryBytes: buffer.byteLength,
    alignedNeighbourhood: MAX_NEIGHBOURS,
    around: () => scan,
    rowsChanged() {
      isPooled = false;
    },
    row(index) {
      checkRow(scan, index);
      return rows.subarray(index * rowLength, (index + 1) * rowLength);
    },
    search(query, k, exclude = -1) {
      checkSearch(scan, query, k);
      place(query as Uint8Array);
      const found = kernel.search(
        rowsAt,
        rowCount,
        rowLength,
        queryAt,
        tailMaskAt,
        dotsAt,
        coarse.rows.squaresAt,
        uint32At(coarse.queries.squaresAt),
        coarse.cells,
        fine.rows.bytesAt,
        fine.stride,
        fine.rows.squaresAt,
        fine.widenedAt,
        uint32At(fine.queries.squaresAt),
        fine.cells,
        probeBoundsAt,
        probesAt,
        nearAt,
        exclude,
        k,
        distancesAt,
        indicesAt,
      );
      const squared = new Float64Array(buffer, distancesAt, found);
      return {
        indices: new Uint32Array(buffer, indicesAt, found).slice(),
        distances: squared.map((value) => Math.sqrt(value) / 255),
      };
    },
    alignedDistances(query, exclude = -1) {
      checkSearch(scan, query, 1);
      place(query as Uint8Array);
      const found = kernel.candidates(
        rowsAt,
        rowCount,
        rowLength,
        shortlistOf(rowCount),
        dotsAt,
        coarse.rows.sumsAt,
        coarse.rows.inversesAt,
        float32At(coarse.queries.sumsAt),
        float32At(coarse.queries.inversesAt),
        coarse.cells,
        fine.rows.bytesAt,
        fine.stride,
        fine.rows.sumsAt,
        fine.rows.inversesAt,
        fine.cells,
        fine.widenedAt,
        fine.queries.sumsAt,
        fine.queries.inversesAt,
        binsAt,
        histogramAt,
        nearAt,
        exclude,
        CANDIDATES,
        scoresAt,
        indicesAt,
      );
      aligner.measure(rowsAt, movedAt, indicesAt, found, distancesAt);
      return new Float64Array(buffer, distancesAt, found).map((value) => value / 255).sort();
    },
  };
  return scan;
}

function isSame(query: Uint8Array, other: Int16Array): boolean {
  for (let i = 0; i < query.length; i++) if (query[i] !== other[i]) return false;
  return true;
}
