/** The test statistics of the memorisation check, by the name that a manifest gives: small for a copy. */

import type { Manifest } from "./manifest.ts";
import type { NearbyRows, NeighbourSearch, Row } from "./neighbour-scan.ts";
import { neighbourhoodRatio } from "./verdict.ts";

export type StatisticName = NonNullable<Manifest["calibration"]>["statistic"];

/** An example as the training rows are stored: pixel bytes, or float32 in the data's own units. */
export type Example = Row;

/**
 * @param neighbourhood how many nearest training examples to look at, fewer where there are fewer
 * @param own           the example is this training row: compares it with those that differ from it
 */
export type Statistic = (scan: NearbyRows, example: Example, neighbourhood: number, own?: number) => number;

export const STATISTICS: Readonly<Record<StatisticName, Statistic>> = {
  /** By distances in pixels, or in the data's own units. */
  "neighbourhood-ratio": (scan, example, neighbourhood, own) => {
    const { distances } = scan.search(example, neighbourhood, own);
    return neighbourhoodRatio(own === undefined ? distances : positive(distances));
  },

  /** By aligned distances (aligned-distance.ts), identical training examples counted once. */
  "aligned-ratio": (scan, example, neighbourhood, own) => {
    // Every image can be made an image of a single colour, so that is a copy of itself alone.
    if (example.every((value) => value === example[0])) {
      return own === undefined && scan.search(example, 1).distances[0] === 0 ? 0 : 1;
    }
    const distances = scan.alignedDistances!(example, own);
    return neighbourhoodRatio(
      (own === undefined ? distances : positive(distances)).subarray(0, neighbourhood),
    );
  },
};

/** Without the duplicates of an example. */
function positive(distances: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  return distances.filter((distance) => distance > 0);
}

/** The best statistic for training rows of this kind. */
export function statisticFor({ alignedNeighbourhood }: NeighbourSearch): StatisticName {
  return alignedNeighbourhood > 0 ? "aligned-ratio" : "neighbourhood-ratio";
}

/** How many nearest rows a statistic looks at, besides those that it aligns. */
export function reachOf(statistic: StatisticName, neighbourhood: number): number {
  return statistic === "neighbourhood-ratio" ? neighbourhood : 1;
}
