/** The nearest of some points to every query, exactly, in bounded memory. */

import type { Engine } from "../engine/engine.ts";
import type { PointSource } from "../search/searcher.ts";
import { distanceBlocks } from "./distance-blocks.ts";

export interface Nearest {
  /** The number of each query's nearest point; of equal ones the lower. */
  readonly indices: Int32Array<ArrayBuffer>;
  /** L2, from the numbers themselves: a product's small distances are mostly rounding. */
  readonly distances: Float64Array<ArrayBuffer>;
}

/** Points that are compared with at once, in numbers; 32 MiB of them. */
const TILE_NUMBERS = 2 ** 23;

/**
 * @param queries [n, length] float32
 * @param points  any number of them
 * @param self    the number of the point that each query is itself, which is passed over; none if left out
 */
export async function nearestPoints(
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
  const tileRows = Math.max(1, Math.floor(TILE_NUMBERS / length));
  for (let tileFirst = 0; tileFirst < points.count; tileFirst += tileRows) {
    const tileCount = Math.min(tileRows, points.count - tileFirst);
    const tile = await points.tile(tileFirst, tileCount);
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

function distanceBetween(a: Float32Array, i: number, b: Float32Array, j: number, length: number): number {
  let squared = 0;
  for (let at = 0; at < length; at++) squared += (a[i * length + at]! - b[j * length + at]!) ** 2;
  return Math.sqrt(squared);
}
