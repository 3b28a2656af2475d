import { InputError } from "../input-error.ts";
import type { PointSource } from "../search/searcher.ts";
import { createMatchedDescent } from "./matched-descent.ts";
import type { Objective } from "./objective.ts";
import type { Round } from "./pairing.ts";
import { examplesPick, latentsAt } from "./picking.ts";
import { createSubsets } from "./subsets.ts";

const TILE_ROWS = 2048;

/**
 * Rejection-sampling IMLE: samples that already lie within `rejectionRadius` of an example are no candidates.
 *
 * Plain IMLE trains only on the best of many samples, and never sees those that fall between the modes. When
 * the good ones are rejected, examples pick from the rest, so that the latents used in training come to be
 * distributed as those drawn at sampling time. Where every sample is rejected, all are candidates again.
 *
 * Distances are those of `config.objective.distance`, in model space.
 *
 * Source: Vashist, Peng, Li 2024, "Rejection Sampling IMLE", arXiv:2409.17439.
 */
export const rsImle: Objective = {
  name: "rs-imle",
  async prepare(context) {
    const { poolSize, subsetSize, rejectionRadius } = context.config.objective;
    if (rejectionRadius === null) {
      throw new InputError(
        `config: objective "rs-imle" needs objective.rejectionRadius, the distance in model space within which ` +
          `a sample counts as good. Say --set objective.rejectionRadius=0.1.`,
      );
    }
    const subsets = createSubsets(context.train.count, subsetSize, context.random);
    return createMatchedDescent(context, {
      pairCount: subsets.size,
      roundsPerEpoch: subsets.roundsPerEpoch,
      async pair(round) {
        const examples = subsets.ofRound(round.number);
        const pool = round.draw(poolSize);
        const far = await farSamples(round, round.samplesOf(pool), round.distance.pairedAt(rejectionRadius));
        const candidates = far.length === 0 ? pool : latentsAt(pool, far, round.latentSize);
        return { latents: await examplesPick(round, examples, candidates), examples };
      },
    });
  },
};

/** The samples of the pool that lie further than `radius` from every training example. */
async function farSamples(round: Round, pool: PointSource, radius: number): Promise<number[]> {
  const far: number[] = [];
  for (let first = 0; first < pool.count; first += TILE_ROWS) {
    const samples = await pool.tile(first, Math.min(TILE_ROWS, pool.count - first));
    const { indices } = await round.nearest(samples, round.examples);
    const distances = await round.distancesTo(samples, indices);
    for (let i = 0; i < indices.length; i++) if (distances[i]! > radius) far.push(first + i);
  }
  return far;
}
