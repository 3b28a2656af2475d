import type { Preset } from "./index.ts";

/** CIFAR-10, as pictures or in its binary version; give the files with --data. */
export const cifar10: Preset = {
  data: { size: 32, channels: "rgb" },
  generator: { kind: "dcgan", latentSize: 64, hidden: [], channels: [128, 64, 32] },
  objective: { poolSize: 10_000, subsetSize: 5_000, passes: 2 },
  budget: { minutes: 10 },
};
