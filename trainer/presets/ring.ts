import type { Preset } from "./index.ts";

/**
 * Eight narrow Gaussians on a circle.
 *
 * Plain IMLE trains the best of many samples and leaves the rest between the modes (1 % of high quality on the
 * ring). Rejecting the good ones, with as many rounds as the budget allows and no jitter, trains those (97 %), most of
 * all where they also pick the example that is nearest to them (98 %).
 */
export const ring: Preset = {
  data: { name: "ring" },
  generator: { latentSize: 2, hidden: [256, 256, 256, 256] },
  objective: {
    name: "rs-imle",
    rejectionRadius: 0.015,
    reverseShare: 0.9,
    poolSize: 4_000,
    subsetSize: 1_024,
    passes: 1,
    latentJitter: 0,
  },
  optimiser: { learningRate: 2e-3 },
  budget: { steps: 12_000 },
};
