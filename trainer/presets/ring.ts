import type { Preset } from "./index.ts";

/** Eight narrow Gaussians on a circle. */
export const ring: Preset = {
  data: { name: "ring" },
  generator: { latentSize: 2, hidden: [256, 256, 256] },
  objective: { poolSize: 10_000, subsetSize: 5_000, passes: 2, batchSize: 256 },
  budget: { steps: 5_000 },
};
