/**
 * Parzen-window log-likelihood: how likely test examples are under a mixture of Gaussians, one on each sample.
 *
 * The protocol is that of the GAN paper's public script: 10,000 samples, the Gaussians' width picked on
 * 1,000 validation examples, the mean over the test set with its standard error. It is a weak metric, to be
 * read beside coverage and precision: k-means centroids score higher than real images do (Theis et al. 2016,
 * arXiv:1511.01844).
 *
 * Source: Breuleux, Bengio, Vincent 2011; Goodfellow et al. 2014, arXiv:1406.2661, section 5.
 */

import type { Dataset } from "../data/dataset.ts";
import type { Engine } from "../engine/engine.ts";
import { distanceBlocks } from "../search/distance-blocks.ts";
import { meanWithError } from "./mean.ts";
import type { Metric } from "./metric.ts";

export const parzen: Metric = {
  name: "parzen",
  figures: {
    parzenNats: "Parzen log-likelihood, nats",
    parzenNatsError: "its standard error",
    parzenBandwidth: "Parzen bandwidth",
  },
  ceiling: "train",
  obstacle: () => null,
  async evaluate({ engine, dataset, validation, test, samples, length }) {
    const bandwidths = candidateBandwidths(dataset.kind, validation, length);
    const bandwidth = await bestBandwidth(engine, samples, validation, length, bandwidths);
    const [likelihoods] = await logLikelihoods(engine, samples, test, length, [bandwidth]);
    const { mean, error } = meanWithError(likelihoods!);
    return { parzenNats: mean, parzenNatsError: error, parzenBandwidth: bandwidth };
  },
};

/**
 * The widths to choose from.
 *
 * Images: 10 from 0.1 to 1 in equal ratios, as published. Vectors come in any unit and can lie in modes far
 * narrower than the whole: 28 in the same ratio, from a thousandth of the data's spread (the root mean square
 * of the columns' standard deviations) to all of it.
 */
export function candidateBandwidths(
  kind: Dataset["kind"],
  validation: Float32Array,
  length: number,
): number[] {
  const powers = (decades: number) =>
    Array.from({ length: 9 * decades + 1 }, (_, i) => 10 ** (i / 9 - decades));
  if (kind === "image") return powers(1);
  const spread = spreadOf(validation, length) || 1;
  return powers(3).map((power) => power * spread);
}

/** The bandwidth under which `examples` are likeliest; of equals, the first. */
export async function bestBandwidth(
  engine: Engine,
  samples: Float32Array<ArrayBuffer>,
  examples: Float32Array<ArrayBuffer>,
  length: number,
  bandwidths: readonly number[],
): Promise<number> {
  const means = (await logLikelihoods(engine, samples, examples, length, bandwidths)).map(
    (likelihoods) => meanWithError(likelihoods).mean,
  );
  return bandwidths[means.indexOf(Math.max(...means))]!;
}

/**
 * log (1/m) Σ_j N(x_i; μ_j, σ²I) of every example x_i for every bandwidth σ, in nats.
 *
 * Distances are float32; the rest is float64, with the nearest sample's exponent taken out of the sum. On
 * MNIST the distances' rounding moves an example by up to 0.001 nats, and the mean of 241.1929 by 0.0001.
 *
 * @param samples  the Gaussians' centres μ, [m, length]
 * @param examples [n, length]
 * @returns one array [n] a bandwidth
 */
export async function logLikelihoods(
  engine: Engine,
  samples: Float32Array<ArrayBuffer>,
  examples: Float32Array<ArrayBuffer>,
  length: number,
  bandwidths: readonly number[],
): Promise<Float64Array[]> {
  const sampleCount = samples.length / length;
  const result = bandwidths.map(() => new Float64Array(examples.length / length));
  for await (const { first, count, squared } of distanceBlocks(engine, examples, samples, length)) {
    for (let row = 0; row < count; row++) {
      const distances = squared.subarray(row * sampleCount, (row + 1) * sampleCount);
      const nearest = smallestOf(distances);
      bandwidths.forEach((bandwidth, b) => {
        const normaliser = length * Math.log(bandwidth * Math.sqrt(2 * Math.PI));
        result[b]![first + row] = logMeanKernel(distances, nearest, bandwidth) - normaliser;
      });
    }
  }
  return result;
}

/** A term e⁻⁵⁰ times the largest is below float64's resolution, even ten thousand of them. */
const NEGLIGIBLE = 50;

/** log of the mean of exp(−½ d/σ²) over squared distances d. */
function logMeanKernel(squared: Float32Array, nearest: number, bandwidth: number): number {
  const rate = 0.5 / bandwidth ** 2;
  let sum = 0;
  for (let i = 0; i < squared.length; i++) {
    const excess = (squared[i]! - nearest) * rate;
    if (excess < NEGLIGIBLE) sum += Math.exp(-excess);
  }
  return Math.log(sum / squared.length) - nearest * rate;
}

function smallestOf(values: Float32Array): number {
  let smallest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < values.length; i++) if (values[i]! < smallest) smallest = values[i]!;
  return smallest;
}

/** Root mean square of the columns' standard deviations. */
function spreadOf(rows: Float32Array, length: number): number {
  const count = rows.length / length;
  let squares = 0;
  for (let column = 0; column < length; column++) {
    const values = Float64Array.from({ length: count }, (_, row) => rows[row * length + column]!);
    squares += meanWithError(values).error ** 2 * count;
  }
  return Math.sqrt(squares / length);
}
