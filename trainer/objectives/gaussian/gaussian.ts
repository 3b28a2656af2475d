import { pivotedCholesky } from "../../linear-algebra/cholesky.ts";
import type { Objective } from "../objective.ts";
import { checkLength } from "./check-length.ts";
import { momentsOf } from "./moments.ts";

/** Of as many a bundle holds the layer. */
const MOST_NUMBERS = 2048;
/** There is nothing to wait for. */
const UNROLL = 256;

/**
 * One Gaussian by maximum likelihood: the data's own mean and covariance, in closed form, so that training has nothing
 * left to do. It takes the place of the generator, as one linear layer; its latent has as many numbers as the
 * covariance has rank. The loss is the negative log-likelihood per number, in nats, of the numbers that the others
 * follow from.
 */
export const gaussian: Objective = {
  name: "gaussian",
  async prepare({ engine, train, space }) {
    const { length } = train;
    checkLength("gaussian", length, MOST_NUMBERS);
    const { mean, covariance } = await momentsOf(engine, train, space);
    const { rows, rank, logDeterminant } = pivotedCholesky(covariance, length);
    const entropy = 0.5 * (1 + Math.log(2 * Math.PI) + logDeterminant / Math.max(1, rank));
    // Data that are all alike have no direction to go in.
    const latentSize = Math.max(1, rank);
    const kernel = new Float32Array(latentSize * length);
    kernel.set(rows);
    return {
      description: `gaussian of rank ${rank}`,
      stepsPerEpoch: 1,
      unroll: UNROLL,
      run: async (learningRates) => ({ losses: learningRates.map(() => entropy), seconds: {} }),
      model: async () => ({
        latentSize,
        layers: [{ kind: "dense", units: length, activation: "linear" }],
        weights: { "dense0/kernel": kernel, "dense0/bias": Float32Array.from(mean) },
      }),
      state: async () => ({ parameters: {}, counters: {}, arrays: {} }),
      restore: async () => {},
      dispose: async () => {},
    };
  },
};
