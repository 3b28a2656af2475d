import type { Preset } from "./index.ts";

/**
 * N(0, 1) and N(16, 1): what one Gaussian fitted by maximum likelihood gets wrong.
 *
 * In one dimension a pool of 1,000 has a sample near to every example wherever most of them are, and nothing is left to
 * learn: 61 % of the samples stay between the modes. A pool of 16 leaves 13 %, and half of the pairs picked by samples
 * 4 %.
 */
export const mixture1d: Preset = {
  data: { name: "mixture1d" },
  generator: { latentSize: 2, hidden: [128, 128] },
  objective: {
    name: "reverse",
    reverseShare: 0.5,
    poolSize: 16,
    subsetSize: 128,
    passes: 1,
    latentJitter: 0,
  },
  budget: { steps: 5_000 },
};
