import type { Random } from "../../shared/random.ts";

export interface FirstCentres {
  /** Rows of the points that were chosen: [k]. */
  readonly rows: readonly number[];
  /** Every point's squared distance to the nearest of them. */
  readonly squared: Float64Array;
}

/**
 * Points that lie far from each other: each is drawn with a chance in proportion to its squared distance from the
 * nearest one before.
 *
 * @param points [n, length]
 * @param k      1 to n
 * @param trials how many are drawn each time, of which the one is taken that brings all points nearest to a centre
 *
 * Source: Arthur & Vassilvitskii 2007, "k-means++: The Advantages of Careful Seeding"; trials are of its section on
 * the experiments.
 */
export function firstCentres(
  points: Float32Array,
  length: number,
  k: number,
  random: Random,
  trials = 1,
): FirstCentres {
  const first = random.below(points.length / length);
  const rows = [first];
  let squared = squaredDistances(points, length, first);
  while (rows.length < k) {
    const drawn = Array.from({ length: trials }, () => {
      const row = drawnBy(squared, random);
      const own = squaredDistances(points, length, row);
      for (let i = 0; i < own.length; i++) own[i] = Math.min(own[i]!, squared[i]!);
      return { row, squared: own };
    });
    const best = drawn.reduce((a, b) => (total(b.squared) < total(a.squared) ? b : a));
    rows.push(best.row);
    ({ squared } = best);
  }
  return { rows, squared };
}

function squaredDistances(points: Float32Array, length: number, to: number): Float64Array {
  const distances = new Float64Array(points.length / length);
  for (let i = 0; i < distances.length; i++) {
    let distance = 0;
    for (let j = 0; j < length; j++) distance += (points[i * length + j]! - points[to * length + j]!) ** 2;
    distances[i] = distance;
  }
  return distances;
}

/** A row, with chances as the sizes; the last one where all are 0. */
function drawnBy(sizes: Float64Array, random: Random): number {
  let left = random.uniform() * total(sizes);
  for (let row = 0; row < sizes.length - 1; row++) {
    left -= sizes[row]!;
    if (left < 0) return row;
  }
  return sizes.length - 1;
}

const total = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0);
