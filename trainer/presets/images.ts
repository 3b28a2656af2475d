import type { Preset } from "./index.ts";

/**
 * Pictures of any size and number, given with --data: cropped around their centre and resized to 32×32, or more:
 * --set data.size=64.
 */
export const images: Preset = {
  data: { size: 32 },
  // Three doublings: 4×4 grows to 32×32, 8×8 to 64×64.
  generator: { kind: "dcgan", latentSize: 64, hidden: [], channels: [128, 64, 32], normalisation: "batch" },
  objective: { poolSize: 4_000, subsetSize: 2_000, passes: 4 },
  optimiser: { learningRate: 3e-3 },
  budget: { minutes: 10 },
};
