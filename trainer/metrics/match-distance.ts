/**
 * Match distance: how far test examples are from their nearest sample. It is what IMLE makes small on its
 * training examples (Li & Malik 2018, arXiv:1809.09087), taken on examples that it never saw.
 */

import { nearestPoints } from "../search/nearest-points.ts";
import { pointsInMemory } from "../search/searcher.ts";
import { meanWithError } from "./mean.ts";
import type { Metric } from "./metric.ts";
import { quantile } from "./quantile.ts";

export const matchDistance: Metric = {
  name: "match-distance",
  figures: {
    matchDistance: "match distance, L2",
    matchDistanceError: "its standard error",
    matchDistanceP95: "match distance, 95th percentile",
  },
  ceiling: "train",
  obstacle: () => null,
  async evaluate({ engine, test, samples, length }) {
    const { distances } = await nearestPoints(engine, test, pointsInMemory(samples, length), length);
    const { mean, error } = meanWithError(distances);
    return {
      matchDistance: mean,
      matchDistanceError: error,
      matchDistanceP95: quantile(distances.sort(), 0.95),
    };
  },
};
