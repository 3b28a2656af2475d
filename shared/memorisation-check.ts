/** Compares an example with the training examples: neighbours, test statistic, verdict. */

import type { Manifest } from "./manifest.ts";
import type { NeighbourSearch } from "./neighbour-scan.ts";
import { type Example, reachOf, STATISTICS } from "./statistic.ts";
import { conformalPValue, isAuthentic, type Verdict, verdictOf } from "./verdict.ts";

/** What an example is compared with. */
export interface MemorisationTest {
  readonly search: NeighbourSearch;
  readonly calibration: NonNullable<Manifest["calibration"]>;
  /** The null distribution, ascending. */
  readonly nullStatistics: Float32Array;
  /** From every training example to its nearest other one; null where the bundle doesn't say. */
  readonly siblings: Float32Array | null;
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
  readonly neighbours: readonly { readonly index: number; readonly distance: number }[];
}

/** @param k how many neighbours to return; the statistic always uses the calibrated neighbourhood */
export async function checkExample(
  test: MemorisationTest,
  example: Example,
  k: number,
): Promise<MemorisationCheck> {
  const { calibration, nullStatistics } = test;
  const { statistic, neighbourhood } = calibration;
  const nearby = await test.search.around(example, Math.max(k, reachOf(statistic, neighbourhood)));
  const { indices, distances } = nearby.search(example, k);
  const distance = distances[0]!;
  // To the byte, whatever the statistic: one that aligns may have nothing to align.
  const ratio = distance === 0 ? 0 : STATISTICS[statistic](nearby, example, neighbourhood);
  const pValue = conformalPValue(nullStatistics, ratio, calibration.method);
  return {
    verdict: verdictOf(pValue, calibration.alpha),
    pValue,
    distance,
    ratio,
    authentic: isAuthentic(distance, await siblingDistance(test, indices[0]!)),
    neighbours: Array.from(indices, (index, i) => ({ index, distance: distances[i]! })),
  };
}

/** Infinity for a training example that is alone. */
async function siblingDistance({ search, siblings }: MemorisationTest, index: number): Promise<number> {
  if (siblings) return siblings[index]!;
  const row = await search.row(index);
  const nearby = await search.around(row, 1, index);
  return nearby.search(row, 1, index).distances[0] ?? Number.POSITIVE_INFINITY;
}
