/**
 * Are samples nearer to the training examples than unseen real examples are? What precision, recall and coverage are
 * blind to: the training examples themselves score best there, and worst here.
 *
 * Sources: C_T of Meehan, Chaudhuri, Dasgupta 2020, arXiv:2004.05675; authenticity of Alaa et al. 2022,
 * arXiv:2102.08921.
 */

import { createRandom } from "../../shared/random.ts";
import { isAuthentic } from "../../shared/verdict.ts";
import { kMeans } from "../clustering/k-means.ts";
import { type Dataset, sliceRows, takeRows } from "../data/dataset.ts";
import { modelSpaceOf } from "../data/model-space.ts";
import type { Engine } from "../engine/engine.ts";
import { type Nearest, nearestPoints } from "../search/nearest-points.ts";
import { type PointSource, pointsInMemory } from "../search/searcher.ts";
import type { Metric } from "./metric.ts";

/** Cells of the space, each with its own comparison: some regions can be copied while others are missed. */
const CELLS = 10;
/** Training examples that the cells are made from: a partition, not an estimate. */
const CELL_EXAMPLES = 2000;
/** Training examples that are looked at together for each other's siblings. */
const SIBLING_PART = 8192;
/** A cell with fewer samples is left out, as the authors' experiments leave it out. */
const LEAST_SAMPLES = 20;

export const dataCopying: Metric = {
  name: "data-copying",
  figures: {
    dataCopying: "C_T, far below 0: copies",
    authenticity: "authentic samples, share",
  },
  ceiling: "held-out",
  obstacle: () => null,
  async evaluate({ engine, dataset, test, samples, siblings, length }) {
    const training = trainingPoints(dataset);
    const ofSamples = await nearestPoints(engine, samples, training, length);
    const ofTest = await nearestPoints(engine, test, training, length);
    const centres = pointsInMemory(await cellCentres(engine, dataset), length);
    const cellsOf = async (points: Float32Array<ArrayBuffer>) =>
      (await nearestPoints(engine, points, centres, length)).indices;
    return {
      dataCopying: cellwiseScore(
        { distances: ofSamples.distances, cells: await cellsOf(samples) },
        { distances: ofTest.distances, cells: await cellsOf(test) },
      ),
      authenticity: authenticShare(
        ofSamples,
        // Many samples share their nearest example, and each is looked up once.
        siblings ?? (await siblingDistances(engine, dataset, new Set(ofSamples.indices))),
      ),
    };
  },
};

/** Distances to the nearest training example, and the cell of each point that they are of. */
export interface CellDistances {
  readonly distances: Float64Array;
  readonly cells: ArrayLike<number>;
}

/**
 * C_T: the Mann–Whitney z-scores of the cells, averaged by their share of the real examples. Cells with fewer than 20
 * samples are left out; where no cell is left, the whole space is one.
 *
 * @param real unseen examples; at least one
 */
export function cellwiseScore(samples: CellDistances, real: CellDistances): number {
  const inCell = ({ distances, cells }: CellDistances, cell: number) =>
    distances.filter((_, i) => cells[i] === cell);
  let weighted = 0;
  let weight = 0;
  for (const cell of new Set(Array.from(real.cells))) {
    const ofSamples = inCell(samples, cell);
    if (ofSamples.length < LEAST_SAMPLES) continue;
    const ofReal = inCell(real, cell);
    weighted += ofReal.length * mannWhitney(ofSamples, ofReal);
    weight += ofReal.length;
  }
  return weight > 0 ? weighted / weight : mannWhitney(samples.distances, real.distances);
}

/**
 * The z-score of how often a value of `a` is above one of `b`, with the continuity correction of Meehan et al.; ties
 * count half.
 *
 * Source: Mann & Whitney 1947, with its normal approximation.
 */
export function mannWhitney(a: Float64Array, b: Float64Array): number {
  const sorted = b.toSorted();
  let above = 0;
  for (const value of a) above += (countBelow(sorted, value, false) + countBelow(sorted, value, true)) / 2;
  const pairs = a.length * b.length;
  return (above - (pairs / 2 - 0.5)) / Math.sqrt((pairs * (a.length + b.length + 1)) / 12);
}

/** How many of the ascending values are below `value`, or equal to it. */
function countBelow(ascending: Float64Array, value: number, orEqual: boolean): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const found = ascending[middle]!;
    if (found < value || (orEqual && found === value)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * The share of points that are farther from their nearest training example than that one is from the rest.
 *
 * @param siblings by the example's number
 */
function authenticShare({ indices, distances }: Nearest, siblings: ArrayLike<number>): number {
  const authentic = distances.filter((distance, i) => isAuthentic(distance, siblings[indices[i]!]!));
  return authentic.length / distances.length;
}

/** From some training examples to their nearest other one, in the places of their numbers. */
async function siblingDistances(
  engine: Engine,
  dataset: Dataset,
  examples: ReadonlySet<number>,
): Promise<Float32Array> {
  const { count, length } = dataset.train;
  const distances = new Float32Array(count).fill(Number.NaN);
  // An example is its own nearest, so its own part is compared with it one by one; the rest is searched faster.
  for (let first = 0; first < count; first += SIBLING_PART) {
    const isInside = (row: number) => row >= first && row < first + SIBLING_PART;
    const queries = Array.from(examples).filter(isInside);
    if (queries.length === 0) continue;
    const rows = Array.from({ length: count }, (_, row) => row);
    const inside = trainingPoints(dataset, rows.filter(isInside));
    const outside = trainingPoints(
      dataset,
      rows.filter((row) => !isInside(row)),
    );
    const values = await trainingPoints(dataset, queries).tile(0, queries.length);
    const self = queries.map((row) => row - first);
    const found = [await nearestPoints(engine, values, inside, length, self)];
    if (outside.count > 0) found.push(await nearestPoints(engine, values, outside, length));
    for (const [i, row] of queries.entries()) {
      distances[row] = Math.min(...found.map((nearest) => nearest.distances[i]!));
    }
  }
  return distances;
}

function cellCentres(engine: Engine, dataset: Dataset): Promise<Float32Array<ArrayBuffer>> {
  const { train } = dataset;
  const random = createRandom(0).fork("cells");
  const chosen = random.permutation(train.count).subarray(0, CELL_EXAMPLES);
  const points = modelSpaceOf(dataset).outputUnits(takeRows(train, chosen));
  return kMeans(engine, points, train.length, Math.min(CELLS, chosen.length), random);
}

/** The training examples of these numbers, or all of them, in output units, as samples are. */
function trainingPoints(dataset: Dataset, rows?: readonly number[]): PointSource {
  const { train } = dataset;
  const { outputUnits } = modelSpaceOf(dataset);
  return {
    count: rows?.length ?? train.count,
    tile: async (first, count) =>
      outputUnits(rows ? takeRows(train, rows.slice(first, first + count)) : sliceRows(train, first, count)),
  };
}
