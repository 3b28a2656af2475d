/** A Gaussian mixture, and where its fit begins. */

import type { Random } from "../../../shared/random.ts";

export interface Mixture {
  /** [components]; they add up to 1. */
  readonly weights: Float32Array<ArrayBuffer>;
  /** [components, length] */
  readonly means: Float32Array<ArrayBuffer>;
  /** [components, length, length]: lower triangles L, where L·Lᵀ is the covariance. */
  readonly factors: Float32Array<ArrayBuffer>;
}

/**
 * Equal and round components on rows that lie far from each other: each is the best of a few that are drawn with
 * probabilities as their squared distances to those before.
 *
 * @param rows [n, length], n ≥ components
 *
 * Source: Arthur & Vassilvitskii 2007, "k-means++: The Advantages of Careful Seeding", with the greedy choice of
 * its section on the experiments.
 */
export function firstMixture(
  rows: Float32Array,
  length: number,
  components: number,
  random: Random,
): Mixture {
  const count = rows.length / length;
  const rowAt = (i: number) => rows.subarray(i * length, (i + 1) * length);
  const trials = 2 + Math.floor(Math.log(components));
  const centres = [random.below(count)];
  let nearest = squaredDistances(rows, rowAt(centres[0]!));
  while (centres.length < components) {
    const options = Array.from({ length: trials }, () => {
      const centre = drawnBy(nearest, random);
      const own = squaredDistances(rows, rowAt(centre));
      const together = nearest.map((distance, i) => Math.min(distance, own[i]!));
      return { centre, together, total: total(together) };
    });
    const best = options.reduce((a, b) => (b.total < a.total ? b : a));
    centres.push(best.centre);
    nearest = best.together;
  }
  const deviation = Math.sqrt(total(nearest) / rows.length) || 1;
  const means = Float32Array.from(centres.flatMap((centre) => [...rowAt(centre)]));
  const factors = new Float32Array(components * length * length);
  for (let k = 0; k < components; k++) {
    for (let i = 0; i < length; i++) factors[k * length * length + i * (length + 1)] = deviation;
  }
  return { weights: new Float32Array(components).fill(1 / components), means, factors };
}

function squaredDistances(rows: Float32Array, to: Float32Array): Float64Array {
  const { length } = to;
  const distances = new Float64Array(rows.length / length);
  for (let i = 0; i < rows.length; i++)
    distances[Math.floor(i / length)]! += (rows[i]! - to[i % length]!) ** 2;
  return distances;
}

/** An index, with probabilities as the sizes; the last one where all are 0. */
function drawnBy(sizes: Float64Array, random: Random): number {
  let left = random.uniform() * total(sizes);
  for (const [i, size] of sizes.entries()) {
    left -= size;
    if (left < 0) return i;
  }
  return sizes.length - 1;
}

function total(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0);
}
