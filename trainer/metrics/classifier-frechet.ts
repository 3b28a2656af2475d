/**
 * Fréchet distance between two sets of images, each taken as one Gaussian in the features of the project's own
 * classifier: |μ₁ − μ₂|² + tr(C₁ + C₂ − 2(C₁C₂)^½). No FID: those are features of Inception. Sets of other sizes
 * have other biases, so compare figures of equal counts.
 *
 * Source: Fréchet 1957, Dowson & Landau 1982; Heusel et al. 2017, arXiv:1706.08500, for its use.
 */

import { cholesky } from "../linear-algebra/cholesky.ts";
import { eigenvalues } from "../linear-algebra/eigen.ts";
import { product } from "../linear-algebra/product.ts";
import type { Metric } from "./metric.ts";

export const classifierFrechet: Metric = {
  name: "classifier-frechet",
  figures: { classifierFrechet: "Fréchet distance in our classifier's features" },
  ceiling: "train",
  obstacle: ({ test, sampleCount, length, classifierObstacle }) => {
    const count = Math.min(test.length / length, sampleCount);
    return classifierObstacle ?? (count > 1 ? null : "needs two test examples and samples at least");
  },
  async evaluate({ classified }) {
    const { test, samples, featureSize } = await classified();
    return { classifierFrechet: frechetDistance(test.features, samples.features, featureSize) };
  },
};

/**
 * @param a [n, length]; n ≥ 2
 * @param b [m, length]; m ≥ 2
 */
export function frechetDistance(a: Float32Array, b: Float32Array, length: number): number {
  const [first, second] = [gaussianOf(a, length), gaussianOf(b, length)];
  let distance = 0;
  for (let j = 0; j < length; j++) distance += (first.mean[j]! - second.mean[j]!) ** 2;
  // C₁C₂ has the eigenvalues of Lᵀ·C₂·L, which is symmetric, where L·Lᵀ = C₁.
  const lower = cholesky(first.covariance, length);
  const between = product(lower, product(second.covariance, lower, length), length, { transposeA: true });
  const values = eigenvalues(between, length);
  for (let j = 0; j < length; j++) {
    const traces = first.covariance[j * length + j]! + second.covariance[j * length + j]!;
    distance += traces - 2 * Math.sqrt(Math.max(0, values[j]!));
  }
  return Math.max(0, distance);
}

/** Mean and covariance (over n − 1) of rows. */
function gaussianOf(rows: Float32Array, length: number) {
  const count = rows.length / length;
  const mean = new Float64Array(length);
  for (let at = 0; at < rows.length; at++) mean[at % length]! += rows[at]! / count;
  const covariance = new Float64Array(length * length);
  const centred = new Float64Array(length);
  for (let start = 0; start < rows.length; start += length) {
    for (let j = 0; j < length; j++) centred[j] = rows[start + j]! - mean[j]!;
    for (let j = 0; j < length; j++) {
      const scaled = centred[j]! / (count - 1);
      for (let k = j; k < length; k++) covariance[j * length + k]! += scaled * centred[k]!;
    }
  }
  for (let j = 0; j < length; j++) {
    for (let k = 0; k < j; k++) covariance[j * length + k] = covariance[k * length + j]!;
  }
  return { mean, covariance };
}
