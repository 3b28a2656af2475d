import type { Preset } from "./index.ts";

/** As `mnist`, with transposed convolutions: 87,000 weights where that has 2.4 million. */
export const mnistConv: Preset = {
  generator: { kind: "dcgan", latentSize: 16, hidden: [], channels: [64, 32] },
  objective: { poolSize: 20_000, subsetSize: 5_000, passes: 2 },
  budget: { minutes: 5 },
};
