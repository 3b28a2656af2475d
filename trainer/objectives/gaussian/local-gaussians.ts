import { InputError } from "../../input-error.ts";
import type { Objective, ObjectiveContext } from "../objective.ts";
import { cellMoments, equalCells } from "./cells.ts";
import { type LocalGaussians, localModel } from "./local-layers.ts";
import { principalAxes } from "./principal-axes.ts";

/** There is nothing to wait for. */
const UNROLL = 256;
/** Of a cell, where no number of cuts is given; the preset `mnist` says what smaller and larger ones do. */
const CELL_EXAMPLES = 48;
/** And at most so many cuts then: 2,048 cells of rank 13 are 2.5 million weights for codes of 64 numbers. */
const MOST_USUAL_CUTS = 11;
/** Covariances are decomposed, which grows with the cube of it. */
const MOST_NUMBERS = 128;

/**
 * The data divided into cells of equally many examples, and in each a Gaussian along the directions in which its
 * examples differ most: in closed form, so that training has nothing left to do. It takes the place of the generator.
 * The loss is the share of the data's variance that no Gaussian has.
 *
 * Fitted to learned codes (`glann`), it makes new codes near the learned ones without the shrinking that a map learned
 * by nearest samples shows in many dimensions (BENCHMARKS.md).
 *
 * Source: local principal component analysis (Kambhatla & Leen 1997, doi:10.1162/neco.1997.9.7.1493), with the
 * probabilistic reading of Tipping & Bishop 1999, "Mixtures of probabilistic principal component analysers".
 */
export const localGaussians: Objective = {
  name: "local-gaussians",
  async prepare(context) {
    const { train, space, config } = context;
    const { cellRank } = config.objective;
    const options = { cuts: config.objective.cuts ?? usualCuts(train.count), cellRank };
    check(context, options.cuts);
    const rows = space.gather(
      train,
      Array.from({ length: train.count }, (_, i) => i),
    );
    const { model, leftShare } = fitLocalGaussians(rows, train.length, options);
    return {
      description: `local-gaussians, ${2 ** model.cuts} of rank ${model.rank}`,
      stepsPerEpoch: 1,
      unroll: UNROLL,
      isClosedForm: true,
      run: async (learningRates) => ({ losses: learningRates.map(() => leftShare), seconds: {} }),
      model: async () => localModel(model),
      state: async () => ({ parameters: {}, counters: {}, arrays: {} }),
      restore: async () => {},
      dispose: async () => {},
    };
  },
};

/**
 * @param rows [n, length]
 * @returns the Gaussians, and the share of the rows' variance that is left out by their rank
 */
export function fitLocalGaussians(
  rows: Float32Array,
  length: number,
  { cuts, cellRank }: { readonly cuts: number; readonly cellRank: number },
): { readonly model: LocalGaussians; readonly leftShare: number } {
  const cells = equalCells(rows, length, cuts);
  const rank = Math.min(cellRank, length, Math.max(...cells.map((cell) => cell.length - 1)));
  const means = new Float32Array(cells.length * length);
  const directions = new Float32Array(cells.length * rank * length);
  let left = 0;
  for (const [k, cell] of cells.entries()) {
    const { mean, axes, variances } = principalAxes(rows, length, cell);
    means.set(mean, k * length);
    directions.set(axes.subarray(0, rank * length), k * rank * length);
    left += variances.subarray(rank).reduce((sum, variance) => sum + variance, 0) / cells.length;
  }
  const all = cellMoments(
    rows,
    length,
    Int32Array.from({ length: rows.length / length }, (_, i) => i),
  ).covariance;
  let variance = 0;
  for (let j = 0; j < length; j++) variance += all[j * (length + 1)]!;
  return { model: { cuts, rank, means, directions }, leftShare: variance > 0 ? left / variance : 0 };
}

/** So that a cell has at least CELL_EXAMPLES of them. */
function usualCuts(count: number): number {
  return Math.min(Math.max(0, Math.floor(Math.log2(count / CELL_EXAMPLES))), MOST_USUAL_CUTS);
}

function check({ train }: ObjectiveContext, cuts: number): void {
  if (train.length > MOST_NUMBERS) {
    throw new InputError(
      `config: objective "local-gaussians" fits examples of up to ${MOST_NUMBERS} numbers, these have ${train.length}. ` +
        "Fit it to learned codes: --objective glann --set objective.mapObjective=local-gaussians.",
    );
  }
  if (2 ** (cuts + 1) > train.count) {
    throw new InputError(
      `config: objective.cuts ${cuts} makes ${2 ** cuts} cells, of less than two of the ${train.count} examples each. ` +
        `Say --set objective.cuts=${Math.max(0, Math.floor(Math.log2(train.count)) - 2)}, or less.`,
    );
  }
}
