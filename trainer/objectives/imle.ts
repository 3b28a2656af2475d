import { createMatchedDescent } from "./matched-descent.ts";
import type { Objective } from "./objective.ts";
import { examplesPick } from "./picking.ts";
import { createSubsets } from "./subsets.ts";

/**
 * Implicit Maximum Likelihood Estimation.
 *
 * Each round draws a pool of samples, lets every example of a subset of the data pick its nearest sample,
 * and then pulls those samples towards the examples that picked them. Examples choose samples, not the other
 * way round, so no example goes unmatched; that is why no mode is dropped.
 *
 * Source: Li & Malik 2018, "Implicit Maximum Likelihood Estimation", arXiv:1809.09087, algorithm 1.
 */
export const imle: Objective = {
  name: "imle",
  async prepare(context) {
    const { poolSize, subsetSize } = context.config.objective;
    const subsets = createSubsets(context.train.count, subsetSize, context.random);
    return createMatchedDescent(context, {
      pairCount: subsets.size,
      roundsPerEpoch: subsets.roundsPerEpoch,
      async pair(round) {
        const examples = subsets.ofRound(round.number);
        return { latents: await examplesPick(round, examples, round.draw(poolSize)), examples };
      },
    });
  },
};
