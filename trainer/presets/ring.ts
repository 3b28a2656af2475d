import type { Preset } from "./index.ts";

/**
 * Eight narrow Gaussians on a circle.
 *
 * Plain IMLE trains the best of many samples and leaves the rest between the modes. Rejecting the good ones, with as many
 * rounds as the budget allows and no jitter, trains those, most of all where they also pick the example that is nearest
 * to them. A latent of more numbers than the data shortens the borders between the latents of two modes, and a deep
 * network makes them narrow. Its units are tanh, because rectifiers lose modes when samples pick in most pairs.
 */
export const ring: Preset = {
  data: { name: "ring" },
  generator: { latentSize: 8, hidden: [128, 128, 128, 128, 128, 128, 128, 128], activation: "tanh" },
  objective: {
    name: "rs-imle",
    rejectionRadius: 0.015,
    reverseShare: 0.5,
    poolSize: 4_000,
    subsetSize: 1_024,
    passes: 1,
    latentJitter: 0,
  },
  optimiser: { learningRate: 2e-3 },
  budget: { steps: 10_000 },
};
