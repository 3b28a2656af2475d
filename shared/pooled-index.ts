/**
 * Candidates among images by their means over 2×2 pixels alone, a quarter of the rows' bytes: for training sets that
 * don't fit in memory. Means over 4×4 pixels, made of those, say which are looked at.
 *
 * Of MNIST's 50,000 images, CIFAR-10's 50,000 and 200,000 glyphs, the nearest to a held-out image was always among the
 * first 9 by these means. The kernel is kernels/pooled.as.ts.
 */

import { movedImages, POSITIONS } from "./aligned-distance.ts";
import type { CandidateIndex } from "./candidate-index.ts";
import { instantiate, layOutMemory, wholeVectors } from "./kernel-memory.ts";
import {
  cellsOf,
  HISTOGRAM_BINS,
  type Level,
  layOutLevel,
  type PooledKernel,
  widenQueries,
} from "./pooled-rows.ts";

const VECTOR_BYTES = 16;

/** The most candidates of a kind. */
const MAX_CANDIDATES = 128;

/** Rows that are looked at for the nearest, those that lie nearest by their 4×4 means: a share, but not too few. */
const NEAREST_SHARE = 1 / 256;
const MIN_NEAREST = 1024;

/** Rows that are looked at for the most similar, those that correlate most by their 4×4 means. */
const SIMILAR_SHARE = 1 / 64;
const MIN_SIMILAR = 3072;

/** Rows of those that are looked at by their 2×2 means: those that correlate most by their 4×4 means in any position. */
const SIMILAR_FINALISTS = 512;

export interface PooledIndex extends CandidateIndex {
  /** The file: [rowCount, stride] uint8, every row's means, filled up with zeros. Fill before the first query. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Bytes of a row in the file: whole vectors. */
export function pooledStride(shape: readonly number[]): number {
  return wholeVectors(cellsOf(shape, 2));
}

/** @param module kernels/build/pooled.wasm, compiled */
export function createPooledIndex(
  module: WebAssembly.Module,
  rowCount: number,
  shape: readonly number[],
): PooledIndex {
  const [height = 0, width = 0, channels = 0] = shape;
  const rowLength = height * width * channels;
  const nearestShortlist = Math.max(MIN_NEAREST, Math.ceil(rowCount * NEAREST_SHARE));
  const similarShortlist = Math.max(MIN_SIMILAR, Math.ceil(rowCount * SIMILAR_SHARE));
  const half = [Math.ceil(height / 2), Math.ceil(width / 2), channels] as const;

  const { allocate, create } = layOutMemory();
  const scoresAt = allocate(MAX_CANDIDATES * 8);
  const indicesAt = allocate(MAX_CANDIDATES * 4);
  const movedAt = allocate(POSITIONS.length * rowLength + VECTOR_BYTES);
  const histogramAt = allocate(HISTOGRAM_BINS * 4);
  const dotsAt = allocate(wholeVectors(rowCount * 4));
  const nearAt = allocate(2 * Math.max(similarShortlist, nearestShortlist) * 4);
  const binsAt = allocate(2 * similarShortlist * 4);
  const fine = layOutLevel(2, shape, rowCount, allocate);
  const coarse = layOutLevel(2, half, rowCount, allocate);
  const memory = create();
  const buffer = memory.buffer as ArrayBuffer;
  const kernel = instantiate<PooledKernel>(module, memory);
  const moved = new Uint8Array(buffer, movedAt, POSITIONS.length * rowLength);
  const bytes = new Uint8Array(buffer, fine.rows.bytesAt, rowCount * fine.stride);

  const measure = (
    { stride, cells }: Level,
    { bytesAt, sumsAt, squaresAt, inversesAt }: Level["rows"],
    count: number,
  ) => kernel.measure(bytesAt, count, stride, cells, sumsAt, squaresAt, inversesAt);
  const halve = (from: Level["rows"], to: Level["rows"], count: number) => {
    const { bytesAt, sumsAt, squaresAt, inversesAt } = to;
    const [rows, columns] = half;
    kernel.pool(
      from.bytesAt,
      fine.stride,
      count,
      rows,
      columns,
      channels,
      2,
      bytesAt,
      coarse.stride,
      sumsAt,
      squaresAt,
      inversesAt,
    );
  };
  let isReady = false;
  const place = (query: Uint8Array) => {
    if (!isReady) {
      measure(fine, fine.rows, rowCount);
      halve(fine.rows, coarse.rows, rowCount);
      isReady = true;
    }
    movedImages(query, shape, moved);
    const { bytesAt, sumsAt, squaresAt, inversesAt } = fine.queries;
    kernel.pool(
      movedAt,
      rowLength,
      POSITIONS.length,
      height,
      width,
      channels,
      2,
      bytesAt,
      fine.stride,
      sumsAt,
      squaresAt,
      inversesAt,
    );
    halve(fine.queries, coarse.queries, POSITIONS.length);
    widenQueries(fine, buffer);
    widenQueries(coarse, buffer);
    kernel.dotProducts(coarse.rows.bytesAt, rowCount, coarse.stride, coarse.widenedAt, dotsAt);
  };
  const uint32At = (offset: number) => new Uint32Array(buffer, offset, 1)[0]!;

  return {
    bytes,
    memoryBytes: buffer.byteLength,
    async candidates(query, counts, exclude = -1) {
      place(query as Uint8Array);
      const near = kernel.nearest(
        rowCount,
        nearestShortlist,
        dotsAt,
        coarse.rows.squaresAt,
        uint32At(coarse.queries.squaresAt),
        fine.rows.bytesAt,
        fine.stride,
        fine.rows.squaresAt,
        fine.widenedAt,
        uint32At(fine.queries.squaresAt),
        histogramAt,
        nearAt,
        exclude,
        Math.min(counts.nearest, MAX_CANDIDATES),
        scoresAt,
        indicesAt,
      );
      const nearest = new Uint32Array(buffer, indicesAt, near).slice();
      const similar = kernel.similar(
        // Rows are taken for identical where their means are.
        fine.rows.bytesAt,
        rowCount,
        fine.stride,
        similarShortlist,
        SIMILAR_FINALISTS,
        dotsAt,
        coarse.rows.bytesAt,
        coarse.stride,
        coarse.rows.sumsAt,
        coarse.rows.inversesAt,
        coarse.cells,
        coarse.widenedAt,
        coarse.queries.sumsAt,
        coarse.queries.inversesAt,
        fine.rows.bytesAt,
        fine.stride,
        fine.rows.sumsAt,
        fine.rows.inversesAt,
        fine.cells,
        fine.widenedAt,
        fine.queries.sumsAt,
        fine.queries.inversesAt,
        histogramAt,
        nearAt,
        binsAt,
        exclude,
        Math.min(counts.similar, MAX_CANDIDATES),
        scoresAt,
        indicesAt,
      );
      const found = new Uint32Array(buffer, indicesAt, similar);
      return { nearest, similar: found.map((candidate) => Math.floor(candidate / POSITIONS.length)) };
    },
  };
}

/** The index's bytes for rows that are in memory. */
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

const POOLED_AT_ONCE = 1024;
