/**
 * Match distance: how far test examples are from their nearest sample. It is what IMLE makes small on its
 * training examples (Li & Malik 2018, arXiv:1809.09087), taken on examples that it never saw.
 */

import type { Engine } from "../engine/engine.ts";
import { distanceBlocks } from "./distance-blocks.ts";
import { meanWithError } from "./mean.ts";
import type { Metric } from "./metric.ts";

export const matchDistance: Metric = {
  name: "match-distance",
  figures: {
    matchDistance: "match distance, L2",
    matchDistanceError: "its standard error",
    matchDistanceP95: "match distance, 95th percentile",
  },
  obstacle: () => null,
  async evaluate({ engine, test, samples, length }) {
    const distances = await nearestDistances(engine, test, samples, length);
    const { mean, error } = meanWithError(distances);
    return {
      matchDistance: mean,
      matchDistanceError: error,
      matchDistanceP95: quantile(distances.sort(), 0.95),
    };
  },
};

/**
 * The L2 distance of every example to its nearest sample.
 *
 * @param examples [n, length]
 * @param samples  [m, length]
 */
export async function nearestDistances(
  engine: Engine,
  examples: Float32Array<ArrayBuffer>,
  samples: Float32Array<ArrayBuffer>,
  length: number,
): Promise<Float64Array<ArrayBuffer>> {
  const sampleCount = samples.length / length;
  const distances = new Float64Array(examples.length / length);
  for await (const { first, count, squared } of distanceBlocks(engine, examples, samples, length)) {
    for (let row = 0; row < count; row++) {
      let nearest = 0;
      for (let i = 1; i < sampleCount; i++) {
        if (squared[row * sampleCount + i]! < squared[row * sampleCount + nearest]!) nearest = i;
      }
      // Again from the numbers themselves: a product's small distances are mostly rounding.
      let exact = 0;
      for (let j = 0; j < length; j++) {
        exact += (examples[(first + row) * length + j]! - samples[nearest * length + j]!) ** 2;
      }
      distances[first + row] = Math.sqrt(exact);
    }
  }
  return distances;
}

/** Between the two nearest ranks linearly, as NumPy does. */
function quantile(ascending: Float64Array, share: number): number {
  const rank = share * (ascending.length - 1);
  const [low, high] = [ascending[Math.floor(rank)]!, ascending[Math.ceil(rank)]!];
  return low + (high - low) * (rank % 1);
}
