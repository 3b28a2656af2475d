import { add, log, mean, multiply, slice, softplus, square, subtract, sum } from "../autodiff/operators.ts";
import { input, type Tensor } from "../autodiff/tensor.ts";
import type { Config } from "../config.ts";
import { readModel } from "../generators/plain.ts";
import { checkStepMemory, explainingStepMemory } from "./memory.ts";
import { createMinibatches } from "./minibatches.ts";
import { mirrorOf } from "./mirror.ts";
import type { Objective } from "./objective.ts";

/**
 * A variational autoencoder: the generator decodes what an encoder makes of an example, a Gaussian over latents that
 * is kept near N(0, I). The loss is the negative evidence lower bound in nats, per number of an example; a sample is
 * the mean that a latent decodes to.
 *
 * Source: Kingma & Welling 2014, "Auto-Encoding Variational Bayes", arXiv:1312.6114; the scale of the likelihood
 * by Rybkin, Daniilidis, Levine 2021, "Simple and Effective VAE Training with Calibrated Decoders", arXiv:2006.13202.
 */
export const vae: Objective = {
  name: "vae",
  async prepare(context) {
    const { engine, generator, train, space, config, random } = context;
    const { latentSize, outputSize } = generator;
    const { klWeight, likelihoodScale } = config.objective;
    const batches = createMinibatches(train.count, config.objective.batchSize, random);
    const { batchSize } = batches;
    const encoder = mirrorOf("encoder", config, { inputSize: outputSize, outputSize: 2 * latentSize });

    const partsOf = (rows: number) => {
      const examples = input("examples", [rows, outputSize]);
      const encoded = encoder.apply(examples);
      const centre = slice(encoded, 1, 0, latentSize);
      // Not the exponential: one example far out would make its variance, and with it the step, as large as it likes.
      const deviation = add(softplus(slice(encoded, 1, latentSize, latentSize)), LEAST_DEVIATION);
      const noise = multiply(input("noise", [rows, latentSize]), deviation);
      const error = mean(square(subtract(generator.apply(add(centre, noise)), examples)));
      const spread = subtract(add(square(centre), square(deviation)), add(multiply(log(deviation), 2), 1));
      return {
        reconstruction: gaussianLoss(error, likelihoodScale),
        divergence: multiply(sum(spread), 0.5 / (rows * outputSize)),
      };
    };
    const lossOf = (rows: number) => {
      const { reconstruction, divergence } = partsOf(rows);
      return add(reconstruction, multiply(divergence, klWeight));
    };

    checkStepMemory({ engine, batchSize, lossOf, otherBytes: 0 });
    const parameters = await engine.createParameters(
      [...context.firstWeights(), ...encoder.firstWeights(random.fork("encoder"))],
      config.optimiser,
    );
    const descent = await engine.compileStep(lossOf(batchSize), parameters);
    let step = 0;
    const feedsOf = (at: number) => ({
      examples: space.gather(train, batches.rowsOfStep(at)),
      noise: random.fork("noise", at).fillNormal(new Float32Array(batchSize * latentSize)),
    });

    return {
      description: `vae, likelihood ${likelihoodScale === null ? "of the likeliest scale" : `of scale ${likelihoodScale}`}`,
      stepsPerEpoch: batches.stepsPerEpoch,
      unroll: descent.unroll,
      async run(learningRates) {
        const start = performance.now();
        const fed = learningRates.map((learningRate, i) => ({ feeds: feedsOf(step + i), learningRate }));
        const losses = await explainingStepMemory({ engine, batchSize, lossOf }, () => descent.run(fed));
        step += losses.length;
        return { losses, seconds: { descend: (performance.now() - start) / 1000 } };
      },
      model: () => readModel(engine, generator, parameters),
      state: async () => ({
        parameters: { networks: await parameters.read() },
        counters: { step },
        arrays: {},
      }),
      async restore(state) {
        await parameters.write(state.parameters["networks"]!);
        step = state.counters["step"]!;
      },
      async dispose() {
        await descent.dispose();
        await parameters.dispose();
      },
    };
  },
};

/** Keeps the logarithm of an encoded latent's deviation finite. */
const LEAST_DEVIATION = 1e-4;
/** Keeps a perfect reconstruction's likelihood finite. */
const LEAST_ERROR = 1e-8;

/** The negative log-likelihood of a number, from the mean squared error; of the likeliest scale where none is given. */
function gaussianLoss(error: Tensor, scale: Config["objective"]["likelihoodScale"]): Tensor {
  const log2Pi = Math.log(2 * Math.PI);
  if (scale === null) return multiply(add(log(add(error, LEAST_ERROR)), log2Pi + 1), 0.5);
  return add(multiply(error, 0.5 / scale ** 2), 0.5 * log2Pi + Math.log(scale));
}
