import { createMatchedDescent } from "./matched-descent.ts";
import type { Objective } from "./objective.ts";
import { concatenated, examplesPick } from "./picking.ts";
import { createSubsets } from "./subsets.ts";

/**
 * The other direction: every sample picks its nearest example and is pulled towards it. No sample is left between
 * the modes, and nothing makes samples of a mode that none is near to: it seeks modes as the Kullback–Leibler
 * divergence with its arguments exchanged does. A `reverseShare` below 1 mixes it with IMLE.
 *
 * Source: Li & Malik 2018, "Implicit Maximum Likelihood Estimation", arXiv:1809.09087, on the two directions.
 */
export const reverse: Objective = {
  name: "reverse",
  async prepare(context) {
    const { poolSize, subsetSize, reverseShare } = context.config.objective;
    const subsets = createSubsets(context.train.count, subsetSize, context.random);
    const picking = Math.round(subsets.size * (reverseShare ?? 1));
    return createMatchedDescent(context, {
      pairCount: subsets.size,
      roundsPerEpoch: subsets.roundsPerEpoch,
      async pair(round) {
        const turn = subsets.ofRound(round.number);
        const pickers = round.draw(picking);
        const samples = await round.samplesOf(pickers).tile(0, picking);
        const { indices: picked } = await round.nearest(samples, round.examples);
        const rest = turn.subarray(picking);
        const theirs = await examplesPick(
          round,
          rest,
          rest.length > 0 ? round.draw(poolSize) : new Float32Array(0),
        );
        return {
          latents: concatenated(pickers, theirs),
          examples: Int32Array.from([...picked, ...rest]),
        };
      },
    });
  },
};
