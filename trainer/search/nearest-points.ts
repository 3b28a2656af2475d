/** The nearest of some points to every query, exactly, in bounded memory. */

import { l2Of } from "../distances/squared-l2.ts";
import type { Engine } from "../engine/engine.ts";
import { distanceBlocks } from "./distance-blocks.ts";
import { SEARCHERS } from "./index.ts";
import type { PointSource } from "./searcher.ts";

export interface Nearest {
  /** The number of each query's nearest point. */
  readonly indices: Int32Array<ArrayBuffer>;
  /** L2, from the numbers themselves: a product's small distances are mostly rounding. */
  readonly distances: Float64Array<ArrayBuffer>;
}

/** Points that are compared with at once, in numbers; 32 MiB of them. */
const TILE_NUMBERS = 2 ** 23;
/** From this length on bounds rule out most points; below, products of short points would lose digits. */
const LONG = 256;
const SEARCH_BYTES = 2 ** 28;

/**
 * @param queries [n, length] float32
 * @param points  at least one that isn't the query itself
 * @param self    the number of the point that each query is, which is passed over; none if left out
 */
export function nearestPoints(
  engine: Engine,
  queries: Float32Array<ArrayBuffer>,
  points: PointSource,
  length: number,
  self?: ArrayLike<number>,
): Promise<Nearest> {
  const worthBounds = length >= LONG && engine.device === "host" && !self;
  return worthBounds
    ? byBounds(engine, queries, points, length)
    : byComparison(engine, queries, points, length, self);
}

async function byBounds(
  engine: Engine,
  queries: Float32Array<ArrayBuffer>,
  points: PointSource,
  length: number,
): Promise<Nearest> {
  const options = { distance: l2Of(length), length, memoryBytes: SEARCH_BYTES };
  const search = SEARCHERS["pruned"]!.prepare(engine, options);
  const indices = (await search.nearest(queries, points)).indices.slice();
  await search.dispose();
  const distances = new Float64Array(indices.length);
  for await (const { first, count, tile } of tilesOf(points, length)) {
    for (const [query, point] of indices.entries()) {
      if (point < first || point >= first + count) continue;
      distances[query] = distanceBetween(queries, query, tile, point - first, length);
    }
  }
  return { indices, distances };
}

async function byComparison(
  engine: Engine,
  queries: Float32Array<ArrayBuffer>,
  points: PointSource,
  length: number,
  self?: ArrayLike<number>,
): Promise<Nearest> {
  const queryCount = queries.length / length;
  const indices = new Int32Array(queryCount).fill(-1);
  const best = new Float32Array(queryCount).fill(Number.POSITIVE_INFINITY); // squared, rounded
  const distances = new Float64Array(queryCount).fill(Number.POSITIVE_INFINITY);
  for await (const { first: tileFirst, count: tileCount, tile } of tilesOf(points, length)) {
    for await (const { first, count, squared } of distanceBlocks(engine, queries, tile, length)) {
      for (let row = 0; row < count; row++) {
        const query = first + row;
        const own = self ? self[query]! - tileFirst : -1;
        let nearest = -1;
        for (let i = 0; i < tileCount; i++) {
          const distance = squared[row * tileCount + i]!;
          if (distance < best[query]! && i !== own) {
            best[query] = distance;
            nearest = i;
          }
        }
        if (nearest < 0) continue;
        indices[query] = tileFirst + nearest;
        distances[query] = distanceBetween(queries, query, tile, nearest, length);
      }
    }
  }
  return { indices, distances };
}

async function* tilesOf(points: PointSource, length: number) {
  const tileRows = Math.max(1, Math.floor(TILE_NUMBERS / length));
  for (let first = 0; first < points.count; first += tileRows) {
    const count = Math.min(tileRows, points.count - first);
    yield { first, count, tile: await points.tile(first, count) };
  }
}

function distanceBetween(a: Float32Array, i: number, b: Float32Array, j: number, length: number): number {
  let squared = 0;
  for (let at = 0; at < length; at++) squared += (a[i * length + at]! - b[j * length + at]!) ** 2;
  return Math.sqrt(squared);
}
