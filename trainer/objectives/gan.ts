import { add, mean, negate, softplus } from "../autodiff/operators.ts";
import { input } from "../autodiff/tensor.ts";
import { readModel } from "../generators/plain.ts";
import { gradientNorm } from "./gradient-norm.ts";
import { checkStepMemory, explainingStepMemory } from "./memory.ts";
import { createMinibatches } from "./minibatches.ts";
import { mirrorOf } from "./mirror.ts";
import type { Objective } from "./objective.ts";

/**
 * A generative adversarial network: a discriminator learns to tell examples from samples, the generator to make
 * samples that it takes for examples. Every step is one of the discriminator, then one of the generator with the
 * non-saturating loss, which is the one that is reported; the figures hold the discriminator's, and the length of the
 * generator's gradient.
 *
 * Source: Goodfellow et al. 2014, "Generative Adversarial Networks", arXiv:1406.2661, algorithm 1 with k = 1.
 */
export const gan: Objective = {
  name: "gan",
  async prepare(context) {
    const { engine, generator, train, space, config, random } = context;
    const { latentSize, outputSize } = generator;
    const batches = createMinibatches(train.count, config.objective.batchSize, random);
    const { batchSize } = batches;
    const discriminator = mirrorOf("discriminator", config, { inputSize: outputSize, outputSize: 1 });

    const samplesOf = (rows: number) => generator.apply(input("latents", [rows, latentSize]));
    const generatorLoss = (rows: number) => mean(softplus(negate(discriminator.apply(samplesOf(rows)))));
    const discriminatorLoss = (rows: number) => {
      const examples = discriminator.apply(input("examples", [rows, outputSize]));
      return add(mean(softplus(negate(examples))), mean(softplus(discriminator.apply(samplesOf(rows)))));
    };

    checkStepMemory({ engine, batchSize, lossOf: discriminatorLoss, otherBytes: 0 });
    const generating = await engine.createParameters(context.firstWeights(), config.optimiser);
    const telling = await engine.createParameters(
      discriminator.firstWeights(random.fork("discriminator")),
      config.optimiser,
    );
    const tellingStep = await engine.compileStep(discriminatorLoss(batchSize), telling, {
      reads: generating,
    });
    const generatingStep = await engine.compileStep(generatorLoss(batchSize), generating, {
      reads: telling,
      outputs: (gradients) => ({ norm: gradientNorm(gradients) }),
    });
    let step = 0;
    const latentsOf = (network: string) =>
      random.fork(network, step).fillNormal(new Float32Array(batchSize * latentSize));

    async function stepOfBoth(learningRate: number) {
      const examples = space.gather(train, batches.rowsOfStep(step));
      const norm = new Float32Array(1);
      const [told] = await tellingStep.run([
        { feeds: { examples, latents: latentsOf("for the discriminator") }, learningRate },
      ]);
      const [fooled] = await generatingStep.run([
        { feeds: { latents: latentsOf("for the generator") }, learningRate, into: { norm } },
      ]);
      step++;
      return { discriminatorLoss: told!, loss: fooled!, gradientNorm: norm[0]! };
    }

    return {
      description: "gan, one step of the discriminator for each of the generator",
      stepsPerEpoch: batches.stepsPerEpoch,
      unroll: 1,
      async run(learningRates) {
        const start = performance.now();
        const steps: Awaited<ReturnType<typeof stepOfBoth>>[] = [];
        await explainingStepMemory({ engine, batchSize, lossOf: discriminatorLoss }, async () => {
          for (const rate of learningRates) steps.push(await stepOfBoth(rate));
        });
        const meanOf = (figure: keyof (typeof steps)[number]) =>
          steps.reduce((total, each) => total + each[figure], 0) / steps.length;
        return {
          losses: steps.map(({ loss }) => loss),
          seconds: { descend: (performance.now() - start) / 1000 },
          figures: {
            discriminatorLoss: meanOf("discriminatorLoss"),
            gradientNorm: meanOf("gradientNorm"),
          },
        };
      },
      model: () => readModel(engine, generator, generating),
      state: async () => ({
        parameters: { generator: await generating.read(), discriminator: await telling.read() },
        counters: { step },
        arrays: {},
      }),
      async restore({ parameters, counters }) {
        await generating.write(parameters["generator"]!);
        await telling.write(parameters["discriminator"]!);
        step = counters["step"]!;
      },
      async dispose() {
        for (const each of [tellingStep, generatingStep, generating, telling]) await each.dispose();
      },
    };
  },
};
