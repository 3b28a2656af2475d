/** Compares an example with the training examples: neighbours, test statistic, verdict. */

import { type Example, STATISTICS } from "../shared/statistic.ts";
import { conformalPValue, isAuthentic, type Verdict, verdictOf } from "../shared/verdict.ts";
import type { TrainingExamples } from "./model-store.ts";

export interface Neighbour {
  readonly index: number;
  readonly distance: number;
  readonly label: string | null;
}

export interface MemorisationCheck {
  readonly verdict: Verdict;
  readonly pValue: number;
  /** To the nearest training example, L2 in model units. */
  readonly distance: number;
  /** The calibrated statistic. */
  readonly ratio: number;
  readonly authentic: boolean;
  /** The k nearest. */
  readonly neighbours: readonly Neighbour[];
}

/** @param k how many neighbours to return; the statistic always uses the calibrated neighbourhood */
export function checkExample(training: TrainingExamples, example: Example, k: number): MemorisationCheck {
  const { scan, calibration, nullStatistics } = training;
  const { indices, distances } = scan.search(example, k);
  const distance = distances[0]!;
  // To the byte, whatever the statistic: one that aligns may have nothing to align.
  const ratio =
    distance === 0 ? 0 : STATISTICS[calibration.statistic](scan, example, calibration.neighbourhood);
  const pValue = conformalPValue(nullStatistics, ratio);
  return {
    verdict: verdictOf(pValue, calibration.alpha),
    pValue,
    distance,
    ratio,
    authentic: isAuthentic(distance, training.siblingDistance(indices[0]!)),
    neighbours: Array.from(indices, (index, i) => ({
      index,
      distance: distances[i]!,
      label: training.labelOf(index),
    })),
  };
}
