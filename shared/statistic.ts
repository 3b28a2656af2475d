/** The test statistics of the memorisation check, by the name that a manifest gives: small for a copy. */

import type { Manifest } from "./manifest.ts";
import type { NeighbourScan } from "./neighbour-scan.ts";
import { neighbourhoodRatio } from "./verdict.ts";

export type StatisticName = NonNullable<Manifest["calibration"]>["statistic"];

/** An example as the training rows are stored: pixel bytes, or float32 in the data's own units. */
export type Example = Uint8Array<ArrayBuffer> | Float32Array<ArrayBuffer>;

/**
 * @param neighbourhood how many nearest training examples to look at, fewer where there are fewer
 * @param exclude       a training row to leave out, say the example's own
 */
export type Statistic = (
  scan: NeighbourScan,
  example: Example,
  neighbourhood: number,
  exclude?: number,
) => number;

export const STATISTICS: Readonly<Record<StatisticName, Statistic>> = {
  /** By distances in pixels, or in the data's own units. */
  "neighbourhood-ratio": (scan, example, neighbourhood, exclude) =>
    neighbourhoodRatio(scan.search(example, neighbourhood, exclude).distances),

  /** By aligned distances (aligned-distance.ts), identical training examples counted once. */
  "aligned-ratio": (scan, example, neighbourhood, exclude) => {
    // Every image explains one of a single colour; that is a copy of itself alone.
    if (example.every((value) => value === example[0])) {
      return scan.search(example, 1, exclude).distances[0] === 0 ? 0 : 1;
    }
    return neighbourhoodRatio(scan.alignedDistances!(example, exclude).subarray(0, neighbourhood));
  },
};

/** The best statistic for training rows of this kind. */
export function statisticFor(scan: NeighbourScan): StatisticName {
  return scan.alignedDistances ? "aligned-ratio" : "neighbourhood-ratio";
}
