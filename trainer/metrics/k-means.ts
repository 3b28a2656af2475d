/**
 * k-means: centres so that points are near to one of them.
 *
 * Source: Lloyd 1982; first centres by Arthur & Vassilvitskii 2007 ("k-means++").
 */

import type { Random } from "../../shared/random.ts";
import type { Engine } from "../engine/engine.ts";
import { pointsInMemory } from "../search/searcher.ts";
import { nearestPoints } from "./nearest.ts";

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
  const centres = firstCentres(points, length, k, random);
  let cells = new Int32Array(0);
  for (let iteration = 0; iteration < MAX_ITERATIONS; iteration++) {
    const { indices } = await nearestPoints(engine, points, pointsInMemory(centres, length), length);
    if (indices.every((cell, i) => cell === cells[i])) break;
    cells = indices;
    moveToMeans(centres, points, length, cells);
  }
  return centres;
}

/** Each is a point drawn with a chance in proportion to its squared distance from the nearest one before. */
function firstCentres(
  points: Float32Array,
  length: number,
  k: number,
  random: Random,
): Float32Array<ArrayBuffer> {
  const count = points.length / length;
  const centres = new Float32Array(k * length);
  const squared = new Float64Array(count).fill(Number.POSITIVE_INFINITY);
  let chosen = random.below(count);
  for (let centre = 0; centre < k; centre++) {
    centres.set(points.subarray(chosen * length, (chosen + 1) * length), centre * length);
    let total = 0;
    for (let i = 0; i < count; i++) {
      let distance = 0;
      for (let j = 0; j < length; j++)
        distance += (points[i * length + j]! - points[chosen * length + j]!) ** 2;
      squared[i] = Math.min(squared[i]!, distance);
      total += squared[i]!;
    }
    let left = random.uniform() * total;
    chosen = 0;
    while (chosen < count - 1 && (left -= squared[chosen]!) >= 0) chosen++;
  }
  return centres;
}

/** A centre that no point is nearest to stays where it is. */
function moveToMeans(
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
