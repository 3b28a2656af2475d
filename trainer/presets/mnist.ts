import type { Preset } from "./index.ts";

/** MNIST with the paper's evaluation protocol; give the files with --data. */
export const mnist: Preset = {
  generator: { latentSize: 16, hidden: [1200, 1200] },
  objective: { poolSize: 50_000, subsetSize: 5_000, passes: 4 },
  budget: { minutes: 5 },
};
