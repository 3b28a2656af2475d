/** A Gaussian mixture, and where its fit begins. */

import type { Random } from "../../../shared/random.ts";
import { firstCentres } from "../../clustering/first-centres.ts";

export interface Mixture {
  /** [components]; they add up to 1. */
  readonly weights: Float32Array<ArrayBuffer>;
  /** [components, length] */
  readonly means: Float32Array<ArrayBuffer>;
  /** [components, length, length]: lower triangles L, where L·Lᵀ is the covariance. */
  readonly factors: Float32Array<ArrayBuffer>;
}

/**
 * Equal and round components on rows that lie far from each other.
 *
 * @param rows [n, length], n ≥ components
 */
export function firstMixture(
  rows: Float32Array,
  length: number,
  components: number,
  random: Random,
): Mixture {
  const trials = 2 + Math.floor(Math.log(components));
  const centres = firstCentres(rows, length, components, random, trials);
  const squares = centres.squared.reduce((sum, value) => sum + value, 0);
  const deviation = Math.sqrt(squares / rows.length) || 1;
  const means = Float32Array.from(
    centres.rows.flatMap((row) => [...rows.subarray(row * length, (row + 1) * length)]),
  );
  const factors = new Float32Array(components * length * length);
  for (let k = 0; k < components; k++) {
    for (let i = 0; i < length; i++) factors[k * length * length + i * (length + 1)] = deviation;
  }
  return { weights: new Float32Array(components).fill(1 / components), means, factors };
}
