/**
 * k-means: centres so that points are near to one of them.
 *
 * Source: Lloyd 1982, doi:10.1109/TIT.1982.1056489.
 */

import type { Random } from "../../shared/random.ts";
import type { Engine } from "../engine/engine.ts";
import { nearestPoints } from "../search/nearest-points.ts";
import { pointsInMemory } from "../search/searcher.ts";
import { firstCentres } from "./first-centres.ts";

const MAX_ITERATIONS = 30;

/**
 * @param points [n, length] float32
 * @param k      1 to n
 * @returns      [k, length] float32; equal ones where points are fewer than k different ones
 */
export async function kMeans(
  engine: Engine,
  points: Float32Array<ArrayBuffer>,
  length: number,
  k: number,
  random: Random,
): Promise<Float32Array<ArrayBuffer>> {
  const centres = new Float32Array(k * length);
  for (const [centre, row] of firstCentres(points, length, k, random).rows.entries()) {
    centres.set(points.subarray(row * length, (row + 1) * length), centre * length);
  }
  let cells = new Int32Array(0);
  for (let iteration = 0; iteration < MAX_ITERATIONS; iteration++) {
    const { indices } = await nearestPoints(engine, points, pointsInMemory(centres, length), length);
    if (indices.every((cell, i) => cell === cells[i])) break;
    cells = indices;
    moveToMeans(centres, points, length, cells);
  }
  return centres;
}

/** Moves every centre to the mean of the points whose cell it is; one that no point is nearest to stays where it is. */
export function moveToMeans(
  centres: Float32Array,
  points: Float32Array,
  length: number,
  cells: ArrayLike<number>,
): void {
  const sums = new Float64Array(centres.length);
  const counts = new Uint32Array(centres.length / length);
  for (let i = 0; i < cells.length; i++) {
    const cell = cells[i]!;
    counts[cell]!++;
    for (let j = 0; j < length; j++) sums[cell * length + j]! += points[i * length + j]!;
  }
  for (let at = 0; at < centres.length; at++) {
    const count = counts[Math.floor(at / length)]!;
    if (count > 0) centres[at] = sums[at]! / count;
  }
}
