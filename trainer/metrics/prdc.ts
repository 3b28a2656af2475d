/**
 * Precision, recall, density and coverage: do samples lie where the data are, and do they lie everywhere
 * there? Each set's extent is the union of balls around its points that reach to the k-th nearest neighbour.
 *
 * Blind to copying: the training data themselves score best.
 *
 * Source: Naeem, Oh, Uh, Choi, Yoo 2020, arXiv:2002.09797; precision and recall after Kynkäänniemi et al.
 * 2019, arXiv:1904.06991.
 */

import type { Engine } from "../engine/engine.ts";
import { distanceBlocks } from "../search/distance-blocks.ts";
import type { Metric } from "./metric.ts";

/** k, as Naeem et al. choose it. */
const NEIGHBOURS = 5;

export interface Prdc {
  /** Share of samples that lie in a ball of the data. */
  readonly precision: number;
  /** Share of the data that lie in a ball of the samples. */
  readonly recall: number;
  /** Balls of the data that a sample lies in, on average, over k; above 1 where samples crowd together. */
  readonly density: number;
  /** Share of the data whose ball holds a sample. */
  readonly coverage: number;
}

export const prdc: Metric = {
  name: "prdc",
  figures: {
    precision: "precision, k = 5",
    recall: "recall",
    density: "density",
    coverage: "coverage",
  },
  ceiling: "train",
  obstacle({ test, sampleCount, length }) {
    const count = Math.min(test.length / length, sampleCount);
    return count > NEIGHBOURS
      ? null
      : `needs more than ${NEIGHBOURS} test examples and samples, got ${test.length / length} and ${sampleCount}`;
  },
  async evaluate({ engine, test, samples, length }) {
    // Density and coverage depend on how many samples there are per example: as many of each, as published.
    const size = Math.min(test.length, samples.length);
    return { ...(await measurePrdc(engine, test.subarray(0, size), samples.subarray(0, size), length)) };
  },
};

/**
 * @param real    [n, length]
 * @param samples [m, length]
 * @param k       less than n and m
 */
export async function measurePrdc(
  engine: Engine,
  real: Float32Array<ArrayBuffer>,
  samples: Float32Array<ArrayBuffer>,
  length: number,
  k = NEIGHBOURS,
): Promise<Prdc> {
  const realRadii = await squaredRadii(engine, real, length, k);
  const sampleRadii = await squaredRadii(engine, samples, length, k);
  const [realCount, sampleCount] = [realRadii.length, sampleRadii.length];

  const ballsAround = new Uint32Array(sampleCount); // of the data, around each sample
  let recalled = 0;
  let covered = 0;
  for await (const { first, count, squared } of distanceBlocks(engine, real, samples, length)) {
    for (let row = 0; row < count; row++) {
      const radius = realRadii[first + row]!;
      const start = row * sampleCount;
      let isRecalled = false;
      let isCovered = false;
      for (let i = 0; i < sampleCount; i++) {
        const distance = squared[start + i]!;
        if (distance <= radius) {
          isCovered = true;
          ballsAround[i]!++;
        }
        if (distance <= sampleRadii[i]!) isRecalled = true;
      }
      if (isRecalled) recalled++;
      if (isCovered) covered++;
    }
  }
  return {
    precision: ballsAround.reduce((inside, balls) => inside + (balls > 0 ? 1 : 0), 0) / sampleCount,
    recall: recalled / realCount,
    density: ballsAround.reduce((total, balls) => total + balls, 0) / (k * sampleCount),
    coverage: covered / realCount,
  };
}

/** Squared distance of every point to its k-th nearest other one. */
async function squaredRadii(
  engine: Engine,
  points: Float32Array<ArrayBuffer>,
  length: number,
  k: number,
): Promise<Float32Array> {
  const pointCount = points.length / length;
  const radii = new Float32Array(pointCount);
  for await (const { first, count, squared } of distanceBlocks(engine, points, points, length)) {
    for (let row = 0; row < count; row++) {
      // A point is its own nearest, so its k-th other one is number k + 1.
      radii[first + row] = smallestAt(squared.subarray(row * pointCount, (row + 1) * pointCount), k + 1);
    }
  }
  return radii;
}

/** The value that `rank − 1` others come before in ascending order. */
function smallestAt(values: Float32Array, rank: number): number {
  const smallest = new Float32Array(rank).fill(Number.POSITIVE_INFINITY); // ascending
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value >= smallest[rank - 1]!) continue;
    let at = rank - 1;
    for (; at > 0 && smallest[at - 1]! > value; at--) smallest[at] = smallest[at - 1]!;
    smallest[at] = value;
  }
  return smallest[rank - 1]!;
}
