/**
 * Images at half and at a quarter of their size, laid out in a kernel's memory: what the searches among images look at
 * before, or instead of, whole images. The kernel is kernels/pooled.as.ts.
 */

import { POSITIONS } from "./aligned-distance.ts";
import { instantiate, layOutMemory, wholeVectors } from "./kernel-memory.ts";
import type { NeighbourScanSpec } from "./neighbour-scan.ts";

/** Smaller images have too few cells to tell one from another. */
const MIN_SIDE = 8;

/** Squared distances of larger ones' 2×2 means could exceed an int32. */
const MAX_CELLS = Math.floor(2 ** 31 / 255 ** 2);

/**
 * Of the rows, as many are compared with the query's moved copies: those most like it by their 4×4 means. Of
 * MNIST's 50,000, 1,500 hold the original of 98 % of images that were moved by a pixel, 3,000 that of all.
 */
const SHORTLIST_SHARE = 1 / 16;
const MIN_SHORTLIST = 2048;

export function shortlistOf(rowCount: number): number {
  return Math.max(MIN_SHORTLIST, Math.ceil(rowCount * SHORTLIST_SHARE));
}

/** As in kernels/pooled.as.ts. */
export const HISTOGRAM_BINS = 4096;

const VECTOR_BYTES = 16;

/** Rows of means, and what distances and correlations need of each; offsets. */
export interface PooledRows {
  /** uint8 [count, stride] */
  readonly bytesAt: number;
  readonly sumsAt: number;
  readonly squaresAt: number;
  readonly inversesAt: number;
}

/** Means over factor × factor pixels. */
export interface Level {
  readonly factor: number;
  /** Means in a row. */
  readonly cells: number;
  /** Bytes from one row to the next. */
  readonly stride: number;
  readonly rows: PooledRows;
  /** The query in each of its positions. */
  readonly queries: PooledRows;
  /** The queries' bytes as int16. */
  readonly widenedAt: number;
}

/** All parameters are offsets and numbers, in the order of kernels/pooled.as.ts. */
export interface PooledKernel {
  pool(...parameters: number[]): void;
  dotProducts(...parameters: number[]): void;
  measure(...parameters: number[]): void;
  search(...parameters: number[]): number;
  candidates(...parameters: number[]): number;
}

export function isPoolable({ dtype, shape }: NeighbourScanSpec): boolean {
  const [height = 0, width = 0, channels = 0] = shape;
  const cells = Math.ceil(height / 2) * Math.ceil(width / 2) * channels;
  return dtype === "uint8" && shape.length === 3 && Math.min(height, width) >= MIN_SIDE && cells <= MAX_CELLS;
}

export function cellsOf([height = 0, width = 0, channels = 0]: readonly number[], factor: number): number {
  return Math.ceil(height / factor) * Math.ceil(width / factor) * channels;
}

/** Room for the pooled rows of a training set, and for those of a query in each of its positions. */
export function layOutLevel(
  factor: number,
  shape: readonly number[],
  rowCount: number,
  allocate: (bytes: number) => number,
): Level {
  const cells = cellsOf(shape, factor);
  const stride = wholeVectors(cells);
  const layOut = (count: number): PooledRows => ({
    bytesAt: allocate(count * stride + VECTOR_BYTES),
    // Read four at a time.
    sumsAt: allocate(wholeVectors(count * 4)),
    squaresAt: allocate(wholeVectors(count * 4)),
    inversesAt: allocate(wholeVectors(count * 4)),
  });
  return {
    factor,
    cells,
    stride,
    rows: layOut(rowCount),
    queries: layOut(POSITIONS.length),
    widenedAt: allocate(POSITIONS.length * stride * 2),
  };
}

/** The queries' bytes as int16, as dot products need them. */
export function widenQueries({ stride, queries, widenedAt }: Level, buffer: ArrayBuffer): void {
  const numbers = POSITIONS.length * stride;
  new Int16Array(buffer, widenedAt, numbers).set(new Uint8Array(buffer, queries.bytesAt, numbers));
}

/** Bytes from one row of `poolRows` to the next: whole vectors. */
export function pooledStride(shape: readonly number[]): number {
  return wholeVectors(cellsOf(shape, 2));
}

/** Images whose means are computed at once. */
const POOLED_AT_ONCE = 1024;

/** The means over 2×2 pixels of images that are in memory: [n, pooledStride]. */
export function poolRows(
  module: WebAssembly.Module,
  rows: Uint8Array,
  shape: readonly number[],
): Uint8Array<ArrayBuffer> {
  const [height = 0, width = 0, channels = 0] = shape;
  const rowLength = height * width * channels;
  const rowCount = rows.length / rowLength;
  const stride = pooledStride(shape);
  const pooled = new Uint8Array(rowCount * stride);
  const { allocate, create } = layOutMemory();
  const blockRows = Math.min(rowCount, POOLED_AT_ONCE);
  const rowsAt = allocate(blockRows * rowLength + VECTOR_BYTES);
  const level = layOutLevel(2, shape, blockRows, allocate);
  const memory = create();
  const kernel = instantiate<PooledKernel>(module, memory);
  const block = new Uint8Array(memory.buffer as ArrayBuffer, rowsAt, blockRows * rowLength);
  const { bytesAt, sumsAt, squaresAt, inversesAt } = level.rows;
  for (let first = 0; first < rowCount; first += blockRows) {
    const count = Math.min(blockRows, rowCount - first);
    block.set(rows.subarray(first * rowLength, (first + count) * rowLength));
    kernel.pool(
      rowsAt,
      rowLength,
      count,
      height,
      width,
      channels,
      2,
      bytesAt,
      stride,
      sumsAt,
      squaresAt,
      inversesAt,
    );
    pooled.set(new Uint8Array(memory.buffer as ArrayBuffer, bytesAt, count * stride), first * stride);
  }
  return pooled;
}
