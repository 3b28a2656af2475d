import { createMatchedDescent } from "./matched-descent.ts";
import type { Objective } from "./objective.ts";

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
    const { poolSize } = context.config.objective;
    const { latentSize } = context.generator;
    return createMatchedDescent(context, async ({ random }) =>
      random.fillNormal(new Float32Array(poolSize * latentSize)),
    );
  },
};
