import type { Preset } from "./index.ts";

/** Eight narrow Gaussians on a circle. */
export const ring: Preset = {
  data: { name: "ring" },
  generator: { latentSize: 2, hidden: [256, 256, 256] },
  objective: {
    name: "rs-imle",
    rejectionRadius: 0.03,
    poolSize: 2_000,
    subsetSize: 1_024,
    passes: 1,
    latentJitter: 0,
  },
  optimiser: { learningRate: 2e-3 },
  budget: { steps: 12_000 },
};
