/**
 * Is an example a copy of a training example? A conformal test on its nearest neighbours.
 *
 * It is a nearest-neighbour test, no privacy guarantee: of images it finds copies that were dimmed, blurred, mixed,
 * or moved a little (BENCHMARKS.md has how many), of vectors those that lie near; others can pass it.
 */

export type Verdict = "copy" | "close" | "novel";

export type CalibrationMethod = "held-out" | "leave-one-out";

/** A p-value is this many times the share of the null distribution below it. */
export const NULL_FACTORS: Readonly<Record<CalibrationMethod, number>> = {
  "held-out": 1,
  "leave-one-out": 2,
};

/** Training examples that the statistic looks at, fewer where the training set is smaller. */
export const NEIGHBOURHOOD = 50;

/** Below it, a p-value says at least `close`. */
export const CLOSE_BELOW = 0.05;

/** What every place that shows a verdict says beside it. */
export const VERDICT_NOTE =
  "A nearest-neighbour test, no privacy guarantee: copies that were changed much (mirrored, moved far, redrawn) can " +
  "pass as novel, and simple examples can look close to others by chance.";

/**
 * What every test statistic ends in: distance to the nearest training example relative to the neighbourhood,
 * d₁ / mean(d₁ … d_k), from 0 (a copy) to 1 (no nearer to one example than to k others).
 *
 * The raw distance misses nearly every altered copy; this ratio finds most of them at the same
 * false-positive rate, and d₁/d₂ would break where the training set holds duplicates.
 *
 * @param distances ascending; of none the ratio is 1
 */
export function neighbourhoodRatio(distances: ArrayLike<number>): number {
  if (distances.length === 0) return 1;
  let sum = 0;
  for (let i = 0; i < distances.length; i++) sum += distances[i]!;
  return sum === 0 ? 0 : (distances[0]! * distances.length) / sum;
}

/**
 * (1 + held-out statistics at most as large) / (1 + held-out). On fresh examples of the same distribution
 * it is below any alpha with probability at most alpha, whatever that distribution is.
 *
 * Training examples that were compared with the others in their place know nothing of the example, which may have been
 * the nearest of one of them; the p-value is then twice as large, at most 1.
 *
 * Sources: Vovk, Gammerman, Shafer 2005, "Algorithmic Learning in a Random World"; for the factor of 2 Barber, Candès,
 * Ramdas, Tibshirani 2021, arXiv:1905.02928 (the jackknife).
 *
 * @param nullStatistics the held-out or left-out examples' statistics, ascending
 */
export function conformalPValue(
  nullStatistics: Float32Array,
  statistic: number,
  method: CalibrationMethod = "held-out",
): number {
  // The null is stored as float32; unrounded, a statistic equal to one of its values could miss it.
  const rounded = Math.fround(statistic);
  let low = 0;
  let high = nullStatistics.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (nullStatistics[middle]! <= rounded) low = middle + 1;
    else high = middle;
  }
  return Math.min(1, (NULL_FACTORS[method] * (1 + low)) / (1 + nullStatistics.length));
}

/** @param alpha the model's own false-positive rate for `copy`, at most 0.05 */
export function verdictOf(pValue: number, alpha: number): Verdict {
  if (pValue < alpha) return "copy";
  return pValue < CLOSE_BELOW ? "close" : "novel";
}

/**
 * Whether an example lies farther from its nearest training example than that one lies from the rest of the
 * training set.
 *
 * Source: Alaa, van Breugel, Saveliev, van der Schaar 2022, arXiv:2102.08921 (authenticity).
 *
 * @param distance          from the example to its nearest training example
 * @param distanceToSibling from that training example to its nearest other one; Infinity if there is none
 */
export function isAuthentic(distance: number, distanceToSibling: number): boolean {
  // Bundles hold distances to siblings as float32.
  return Math.fround(distance) > Math.fround(distanceToSibling);
}
