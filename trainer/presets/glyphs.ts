import type { Preset } from "./index.ts";

/** The default: procedural characters, trained within a minute and a half on two cores. */
export const glyphs: Preset = {
  data: { name: "glyphs" },
  generator: { latentSize: 16, hidden: [512, 512] },
  objective: { poolSize: 10_000, subsetSize: 2_500, passes: 4 },
  budget: { steps: 6_000 },
};
