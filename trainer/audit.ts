/** A model's audit: how many of its samples are copies of training examples, beside how many real examples are. */

import { checkExample, type MemorisationTest } from "../shared/memorisation-check.ts";
import { pixelsToBytes } from "../shared/pixels.ts";
import type { Example } from "../shared/statistic.ts";
import type { Rows } from "./data/dataset.ts";

export interface Audit {
  readonly samples: AuditFigures;
  /** Examples that were neither trained on nor calibrated with; null where there are none. */
  readonly fresh: AuditFigures | null;
  /**
   * Whether samples are nearer to training examples than fresh ones are: the Mann-Whitney test of their distances to
   * the nearest, as a z-score. Far below 0: nearer; above: farther.
   *
   * Source: C_T of Meehan, Chaudhuri, Dasgupta 2020, arXiv:2004.05675, with the whole space as its one cell.
   */
  readonly dataCopying: number | null;
}

export interface AuditFigures {
  readonly count: number;
  /** Shares of the examples, 0 to 1. */
  readonly copies: number;
  readonly close: number;
  /** Farther from their nearest training example than that one is from the rest. */
  readonly authentic: number;
}

export type AuditProgress = (what: string, done: number, total: number) => void;

/**
 * @param samples    [n, length] in output units (images 0 … 1)
 * @param fresh      real examples, as the data set has them
 * @param onProgress told now and then
 */
export async function audit(
  test: MemorisationTest,
  samples: Float32Array<ArrayBuffer>,
  fresh: Rows | null,
  onProgress: AuditProgress,
): Promise<Audit> {
  const values = test.search.dtype === "uint8" ? pixelsToBytes(samples) : samples;
  const ofSamples = await checkAll(test, values, (done, total) => onProgress("samples", done, total));
  const ofFresh =
    fresh && (await checkAll(test, fresh.values, (done, total) => onProgress("real examples", done, total)));
  return {
    samples: ofSamples.figures,
    fresh: ofFresh?.figures ?? null,
    dataCopying: ofFresh && mannWhitney(ofSamples.distances, ofFresh.distances),
  };
}

async function checkAll(
  test: MemorisationTest,
  values: Example,
  onProgress: (done: number, total: number) => void,
): Promise<{ figures: AuditFigures; distances: Float64Array }> {
  const length = test.search.rowLength;
  const count = values.length / length;
  const distances = new Float64Array(count);
  const counts = { copy: 0, close: 0, novel: 0, authentic: 0 };
  for (let i = 0; i < count; i++) {
    if (i % 100 === 0) onProgress(i, count);
    const check = await checkExample(test, values.subarray(i * length, (i + 1) * length) as Example, 1);
    counts[check.verdict]++;
    if (check.authentic) counts.authentic++;
    distances[i] = check.distance;
  }
  const { copy, close, authentic } = counts;
  return {
    figures: { count, copies: copy / count, close: close / count, authentic: authentic / count },
    distances,
  };
}

/**
 * The z-score of how often a value of `a` is above one of `b`; ties count half.
 *
 * Source: Mann & Whitney 1947, with its normal approximation.
 */
export function mannWhitney(a: Float64Array, b: Float64Array): number {
  const sorted = b.toSorted();
  let above = 0;
  for (const value of a) above += (countBelow(sorted, value, false) + countBelow(sorted, value, true)) / 2;
  const pairs = a.length * b.length;
  return (above - pairs / 2) / Math.sqrt((pairs * (a.length + b.length + 1)) / 12);
}

/** How many of the ascending values are below `value`, or equal to it. */
function countBelow(ascending: Float64Array, value: number, orEqual: boolean): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const found = ascending[middle]!;
    if (found < value || (orEqual && found === value)) low = middle + 1;
    else high = middle;
  }
  return low;
}
