import type { Preset } from "./index.ts";

/**
 * Twenty-five narrow Gaussians on a square grid.
 * As `ring`, with more modes to tell apart.
 */
export const grid: Preset = {
  data: { name: "grid" },
  generator: { latentSize: 2, hidden: [256, 256, 256, 256] },
  objective: {
    name: "rs-imle",
    rejectionRadius: 0.015,
    poolSize: 4_000,
    subsetSize: 1_024,
    passes: 1,
    latentJitter: 0,
  },
  optimiser: { learningRate: 2e-3 },
  budget: { steps: 30_000 },
};
