/** The memory of `kernels/rerank.as.ts`, which computes the distances that a lower bound can't rule out. */

import { loadKernel } from "../engine/kernels.ts";

interface RerankKernel {
  rerank(
    bounds: number,
    stride: number,
    queryCount: number,
    pointCount: number,
    length: number,
    queries: number,
    points: number,
    norms: number,
    best: number,
    indices: number,
    first: number,
  ): number;
}

export interface RerankSizes {
  readonly queryCount: number;
  /** The most points in a tile. */
  readonly pointCount: number;
  /** The most numbers in a block of bounds. */
  readonly boundCount: number;
}

/** What one search keeps in the kernel's memory; the next search takes it over. */
export interface Reranking {
  /** [queryCount, length], [pointCount, length] and what `Bounds` gives: to be filled by the caller. */
  readonly queries: Float32Array<ArrayBuffer>;
  readonly points: Float32Array<ArrayBuffer>;
  readonly bounds: Float32Array<ArrayBuffer>;
  readonly norms: Float32Array<ArrayBuffer>;
  /** Squared distance to the nearest point so far of every query, and its number. */
  readonly best: Float32Array<ArrayBuffer>;
  readonly indices: Int32Array<ArrayBuffer>;
  /** Compares a block of queries with a tile of points; returns how many distances it took. */
  run(block: RerankBlock): number;
}

export interface RerankBlock {
  readonly firstQuery: number;
  readonly queryCount: number;
  /** Length of a row of `bounds`. */
  readonly stride: number;
  /** The number of the tile's first point, and how many there are. */
  readonly firstPoint: number;
  readonly pointCount: number;
}

const PAGE_BYTES = 65536;
/** What AssemblyScript keeps for itself at the bottom of the memory is less. */
const BASE = 1024;

/** A kernel with memory of its own, which grows to what the largest search needs. */
export function createReranker(length: number): { start(sizes: RerankSizes): Reranking } {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const kernel = loadKernel<RerankKernel>("rerank", memory);
  return {
    start({ queryCount, pointCount, boundCount }) {
      let end = BASE;
      const region = (count: number) => {
        const start = end;
        end += Math.ceil(count / 4) * 16;
        return start;
      };
      const at = {
        queries: region(queryCount * length),
        points: region(pointCount * length),
        bounds: region(boundCount),
        norms: region(queryCount),
        best: region(queryCount),
        indices: region(queryCount),
      };
      const missing = Math.ceil((end - memory.buffer.byteLength) / PAGE_BYTES);
      if (missing > 0) memory.grow(missing);
      const buffer = memory.buffer as ArrayBuffer;
      return {
        queries: new Float32Array(buffer, at.queries, queryCount * length),
        points: new Float32Array(buffer, at.points, pointCount * length),
        bounds: new Float32Array(buffer, at.bounds, boundCount),
        norms: new Float32Array(buffer, at.norms, queryCount),
        best: new Float32Array(buffer, at.best, queryCount).fill(Number.POSITIVE_INFINITY),
        indices: new Int32Array(buffer, at.indices, queryCount).fill(0),
        run: ({ firstQuery, queryCount, stride, firstPoint, pointCount }) =>
          kernel.rerank(
            at.bounds,
            stride,
            queryCount,
            pointCount,
            length,
            at.queries + 4 * firstQuery * length,
            at.points,
            at.norms + 4 * firstQuery,
            at.best + 4 * firstQuery,
            at.indices + 4 * firstQuery,
            firstPoint,
          ),
      };
    },
  };
}
