import type { Preset } from "./index.ts";

/** N(0, 1) and N(16, 1): what one Gaussian fitted by maximum likelihood gets wrong. */
export const mixture1d: Preset = {
  data: { name: "mixture1d" },
  generator: { latentSize: 2, hidden: [128, 128] },
  objective: {
    name: "rs-imle",
    rejectionRadius: 0.03,
    poolSize: 1_000,
    subsetSize: 1_024,
    passes: 1,
    latentJitter: 0,
  },
  budget: { steps: 5_000 },
};
