import type { Preset } from "./index.ts";

/** Twenty-five narrow Gaussians on a square grid. */
export const grid: Preset = {
  data: { name: "grid" },
  generator: { latentSize: 2, hidden: [256, 256, 256] },
  objective: { poolSize: 10_000, subsetSize: 5_000, passes: 2, batchSize: 256 },
  budget: { steps: 8_000 },
};
