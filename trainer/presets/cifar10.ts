import type { Preset } from "./index.ts";

/**
 * CIFAR-10, as pictures or in its binary version; give the files with --data.
 *
 * Codes, and local Gaussians on them. After 1,500 steps, 10,000 samples against the test images (plain IMLE in brackets,
 * which took 2.4 times as long): Fréchet distance in our classifier's features 15.5 (41.5), recall 0.11 (0.01), precision 0.98
 * (1.00), coverage 1.00 (1.00). Noise of 0.05 on the codes, which helps stacked MNIST: 28.3, recall 0.01.
 *
 * Of plain IMLE, after 300 steps, the loss was 0.039 without normalisation at a rate of 0.001, 0.032 with it at 0.003.
 */
export const cifar10: Preset = {
  data: { size: 32, channels: "rgb" },
  generator: { kind: "dcgan", latentSize: 64, hidden: [], channels: [128, 64, 32], normalisation: "batch" },
  objective: {
    name: "glann",
    mapObjective: "local-gaussians",
    poolSize: 10_000,
    subsetSize: 5_000,
    passes: 2,
  },
  optimiser: { learningRate: 3e-3 },
  budget: { minutes: 10 },
};
