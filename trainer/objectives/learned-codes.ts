/**
 * Generative latent optimisation: every example has a code of its own in the unit ball, learned together with the
 * generator that makes the example of it.
 *
 * Source: Bojanowski et al. 2018, "Optimizing the Latent Space of Generative Networks", arXiv:1707.05776.
 */

import { prepareDistance } from "../distances/index.ts";
import { readModel } from "../generators/plain.ts";
import { firstCodes } from "./first-codes.ts";
import { matchedLoss } from "./matched-loss.ts";
import { checkStepMemory, explainingStepMemory } from "./memory.ts";
import { createMinibatches } from "./minibatches.ts";
import type { ObjectiveContext, Training } from "./objective.ts";
import { latentsAt } from "./picking.ts";
import { createRowAdam } from "./row-adam.ts";

export interface CodeTraining extends Omit<Training, "stages"> {
  /** Live: [train.count, latentSize]. */
  readonly codes: Float32Array<ArrayBuffer>;
}

export async function createCodeTraining(context: ObjectiveContext): Promise<CodeTraining> {
  const { engine, generator, train, space, config, random } = context;
  const { latentSize } = generator;
  const { codeJitter } = config.objective;
  const batches = createMinibatches(train.count, config.objective.batchSize, random.fork("codes"));
  const { batchSize, stepsPerEpoch } = batches;
  const distance = await prepareDistance(context);
  const lossOf = (rows: number) => matchedLoss(generator, distance, rows);
  // The codes with their moments, and once more while they are made or read.
  checkStepMemory({ engine, batchSize, lossOf, otherBytes: 2 * 3 * 4 * train.count * latentSize });
  const codeRateShare = config.objective.codeLearningRate / config.optimiser.learningRate;

  const table = createRowAdam(
    await firstCodes(engine, train, space, latentSize),
    latentSize,
    config.optimiser,
  );
  const { rows: codes } = table;
  const parameters = await engine.createParameters(context.firstWeights(), config.optimiser);
  const descent = await engine.compileStep(lossOf(batchSize), parameters, {
    outputs: ({ inputs }) => ({ byCode: inputs.get("latents")! }),
  });
  let step = 0;

  /** Steps of one epoch, in which no two move the same code: they don't wait for each other's. */
  async function runWithinEpoch(learningRates: readonly number[]): Promise<number[]> {
    const turns = learningRates.map((learningRate, i) => {
      const rows = batches.rowsOfStep(step + i);
      const latents = latentsAt(codes, rows, latentSize);
      if (codeJitter > 0) {
        const noise = random.fork("jitter", step + i).fillNormal(new Float32Array(latents.length));
        for (let j = 0; j < latents.length; j++) latents[j]! += codeJitter * noise[j]!;
      }
      const into = { byCode: new Float32Array(latents.length) };
      return { rows, feeds: { latents, targets: space.gather(train, rows) }, learningRate, into };
    });
    const losses = await descent.run(turns);
    for (const { rows, learningRate, into } of turns) {
      table.update(rows, into.byCode, learningRate * codeRateShare);
      for (const row of rows) intoUnitBall(codes.subarray(row * latentSize, (row + 1) * latentSize));
    }
    step += losses.length;
    return losses;
  }

  return {
    description: `codes of ${latentSize} numbers`,
    codes,
    stepsPerEpoch,
    unroll: descent.unroll,
    async run(learningRates) {
      const start = performance.now();
      const losses: number[] = [];
      while (losses.length < learningRates.length) {
        const left = stepsPerEpoch - (step % stepsPerEpoch);
        const rates = learningRates.slice(losses.length, losses.length + left);
        losses.push(
          ...(await explainingStepMemory({ engine, batchSize, lossOf }, () => runWithinEpoch(rates))),
        );
      }
      return { losses, seconds: { descend: (performance.now() - start) / 1000 } };
    },
    model: () => readModel(engine, generator, parameters, codes),
    state: async () => ({
      parameters: { generator: await parameters.read() },
      counters: { step },
      arrays: table.arrays(),
    }),
    async restore(state) {
      await parameters.write(state.parameters["generator"]!);
      table.restore(state.arrays);
      step = state.counters["step"]!;
    },
    async dispose() {
      await descent.dispose();
      await parameters.dispose();
    },
  };
}

function intoUnitBall(code: Float32Array): void {
  let squared = 0;
  for (const value of code) squared += value ** 2;
  if (squared > 1) for (let i = 0; i < code.length; i++) code[i]! /= Math.sqrt(squared);
}
