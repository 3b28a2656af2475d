import type { Preset } from "./index.ts";

/** N(0, 1) and N(16, 1): what one Gaussian fitted by maximum likelihood gets wrong. */
export const mixture1d: Preset = {
  data: { name: "mixture1d" },
  generator: { latentSize: 2, hidden: [128, 128] },
  objective: { poolSize: 5_000, subsetSize: 2_500, passes: 2, batchSize: 256 },
  budget: { steps: 3_000 },
};
