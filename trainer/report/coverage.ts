/** Which training examples the finished generator covers, and how well: their match distance beside real examples'. */

import type { Dataset } from "../data/dataset.ts";
import type { Engine } from "../engine/engine.ts";
import { createProbe } from "./probe.ts";

/** As many samples as the metrics take; examples for a list of the worst. */
const COVERAGE_SIZE = { examples: 1000, samples: 10_000 };

/** Of some training examples, drawn at random. */
export interface Coverage {
  /** Their numbers in the training set. */
  readonly rows: Uint32Array;
  /** How many samples, and how many real examples, each was compared with. */
  readonly sampleCount: number;
  /** L2 from each to its nearest sample, in output units. */
  readonly distances: Float64Array;
  /** The number of that sample. */
  readonly nearest: Int32Array;
  /** L2 from each to the nearest of as many other training examples; null where there is none. */
  readonly realDistances: Float64Array | null;
}

/** @param samples [at least `COVERAGE_SIZE.samples`, length] in output units */
export async function coverageOf(
  engine: Engine,
  dataset: Dataset,
  seed: number,
  samples: Float32Array<ArrayBuffer>,
): Promise<Coverage> {
  const probe = createProbe(engine, dataset, seed, COVERAGE_SIZE);
  const { rows, sampleCount } = probe;
  const found = await probe.nearest(samples.subarray(0, sampleCount * dataset.train.length));
  return {
    rows,
    sampleCount,
    distances: found.distances,
    nearest: found.indices,
    realDistances: await probe.nearestReal(),
  };
}

/**
 * How much farther the nearest sample is than the nearest real example: about 1 for a perfect generator, more where an
 * example is covered poorly. NaN where a copy of the example is among the data, or nothing is there to compare with.
 */
export function remoteness({ distances, realDistances }: Coverage): Float64Array {
  return distances.map((distance, i) => (realDistances?.[i] ? distance / realDistances[i] : Number.NaN));
}

/**
 * The share of examples whose nearest sample is nearer than the nearest real example; equal ones count half. ½ for a
 * perfect generator, as samples and real examples could then be exchanged; null where there is nothing to compare with.
 */
export function nearerShare({
  distances,
  realDistances,
}: Pick<Coverage, "distances" | "realDistances">): number | null {
  if (!realDistances) return null;
  const nearer = distances.reduce(
    (sum, distance, i) => sum + (distance < realDistances[i]! ? 1 : distance === realDistances[i] ? 0.5 : 0),
    0,
  );
  return nearer / distances.length;
}

/** Examples by how poorly they are covered, the poorest first: places in `rows`. */
export function poorestFirst(coverage: Coverage): number[] {
  const ratios = remoteness(coverage);
  const measure = ratios.every(Number.isNaN) ? coverage.distances : ratios;
  return Array.from(measure.keys())
    .filter((i) => !Number.isNaN(measure[i]))
    .sort((a, b) => measure[b]! - measure[a]! || a - b);
}

export interface ClassCoverage {
  readonly label: string;
  readonly count: number;
  /** See `nearerShare`. */
  readonly nearerShare: number | null;
  readonly meanDistance: number;
}

/** Of every class of which there are examples; none where there are no classes. */
export function coverageByClass({ labelNames, train }: Dataset, coverage: Coverage): ClassCoverage[] {
  const { labels } = train;
  if (!labelNames || !labels) return [];
  return labelNames.flatMap((label, index) => {
    const inClass = (_: unknown, i: number) => labels[coverage.rows[i]!] === index;
    const distances = coverage.distances.filter(inClass);
    if (distances.length === 0) return [];
    const realDistances = coverage.realDistances?.filter(inClass) ?? null;
    const meanDistance = distances.reduce((sum, distance) => sum + distance, 0) / distances.length;
    return [
      {
        label,
        count: distances.length,
        nearerShare: nearerShare({ distances, realDistances }),
        meanDistance,
      },
    ];
  });
}
