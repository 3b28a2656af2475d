/** The null distribution of the memorisation check: what real examples that were not trained on score. */

import type { NeighbourSearch } from "../../shared/neighbour-scan.ts";
import {
  type Example,
  reachOf,
  STATISTICS,
  type StatisticName,
  statisticFor,
} from "../../shared/statistic.ts";
import { CLOSE_BELOW, NEIGHBOURHOOD, NULL_FACTORS } from "../../shared/verdict.ts";
import type { Rows } from "../data/dataset.ts";
import type { CalibrationContent } from "./bundle.ts";

/** Fewer held-out examples than this say too little about small p-values. */
const MIN_HELD_OUT = 100;

export type OnProgress = (done: number, total: number) => void;

/**
 * Scores held-out examples against the training rows, or, where there are too few of them, every training
 * example against the others.
 *
 * Of few examples no p-value can fall below alpha, and nothing would be a copy. The calibration's alpha is then as small
 * as they allow: what scores below all of them is a copy.
 *
 * @param search     over `train`: the edge's own, so that calibration and check compute the same distances
 * @param onProgress told now and then how many examples are done
 * @returns null if the training set is too small to have a neighbourhood
 */
export async function calibrate(
  search: NeighbourSearch,
  train: Rows,
  heldOut: Rows,
  alpha: number,
  onProgress: OnProgress,
): Promise<CalibrationContent | null> {
  const method = heldOut.count >= MIN_HELD_OUT ? "held-out" : "leave-one-out";
  const isHeldOut = method === "held-out";
  const statistic = statisticFor(search);
  const neighbourhood = Math.min(
    statistic === "aligned-ratio" ? search.alignedNeighbourhood : NEIGHBOURHOOD,
    isHeldOut ? train.count : train.count - 1,
  );
  if (neighbourhood < 2) return null;

  const nullStatistics = await scoreRows(search, statistic, neighbourhood, isHeldOut ? heldOut : train, {
    leaveOut: !isHeldOut,
    onProgress,
  });
  const finestAlpha = Math.min(NULL_FACTORS[method] / nullStatistics.length, CLOSE_BELOW);
  return { statistic, neighbourhood, method, alpha: Math.max(alpha, finestAlpha), nullStatistics };
}

/**
 * The statistic of every row.
 *
 * @param leaveOut the rows are those of the search: compares each with those that differ from it
 */
export async function scoreRows(
  search: NeighbourSearch,
  statistic: StatisticName,
  neighbourhood: number,
  rows: Rows,
  { leaveOut = false, onProgress = () => {} }: { leaveOut?: boolean; onProgress?: OnProgress } = {},
): Promise<Float32Array<ArrayBuffer>> {
  const scores = new Float32Array(rows.count);
  for (let i = 0; i < rows.count; i++) {
    const example: Example = rows.values.subarray(i * rows.length, (i + 1) * rows.length);
    const own = leaveOut ? i : undefined;
    const nearby = await search.around(example, reachOf(statistic, neighbourhood), own);
    scores[i] = STATISTICS[statistic](nearby, example, neighbourhood, own);
    if (i % 100 === 0) {
      onProgress(i, rows.count);
      // Lets the display draw and Ctrl-C through.
      await new Promise(setImmediate);
    }
  }
  return scores;
}
