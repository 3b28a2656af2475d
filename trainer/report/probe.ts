/**
 * Match distance of training examples: from each to its nearest sample, which is what IMLE makes small. Beside it the
 * distance to the nearest of as many other training examples. Those are drawn from the same distribution, so that a
 * perfect generator's samples come nearer than they do to half of the examples.
 */

import { createRandom } from "../../shared/random.ts";
import { type Dataset, takeRows } from "../data/dataset.ts";
import { modelSpaceOf } from "../data/model-space.ts";
import type { Engine } from "../engine/engine.ts";
import { type Nearest, nearestPoints } from "../search/nearest-points.ts";
import { pointsInMemory } from "../search/searcher.ts";

export interface Probe {
  /** Which training examples, by number; drawn at random. */
  readonly rows: Uint32Array<ArrayBuffer>;
  /** How many samples it takes: as many as there are real examples to compare with, where there are any. */
  readonly sampleCount: number;
  /** @param samples [sampleCount, length] in output units */
  nearest(samples: Float32Array<ArrayBuffer>): Promise<Nearest>;
  /** L2 from each to its nearest other training example; null where there is none. */
  nearestReal(): Promise<Float64Array<ArrayBuffer> | null>;
}

export interface ProbeSize {
  readonly examples: number;
  readonly samples: number;
}

/** @param size at most: a small data set has fewer */
export function createProbe(engine: Engine, dataset: Dataset, seed: number, size: ProbeSize): Probe {
  const { train } = dataset;
  const { length } = train;
  const { outputUnits } = modelSpaceOf(dataset);
  const order = createRandom(seed).fork("probe").permutation(train.count);
  const rows = order.slice(0, size.examples);
  const others = Math.min(size.samples, train.count - 1);
  const examples = outputUnits(takeRows(train, rows));
  return {
    rows,
    sampleCount: others > 0 ? others : size.samples,
    nearest: (samples) => nearestPoints(engine, examples, pointsInMemory(samples, length), length),
    async nearestReal() {
      if (others === 0) return null;
      // The examples come first in that order, so that each of them passes over one point: itself.
      const points = outputUnits(takeRows(train, order.subarray(0, Math.max(others + 1, rows.length))));
      const self = Array.from(rows, (_, i) => i);
      return (await nearestPoints(engine, examples, pointsInMemory(points, length), length, self)).distances;
    },
  };
}
