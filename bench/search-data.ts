/**
 * What `bench -- search` searches: for examples of a data set, among samples of a generator that was trained on it
 * for a while, as every search in training does.
 */

import { createRandom } from "../shared/random.ts";
import type { Config } from "../trainer/config.ts";
import type { Dataset } from "../trainer/data/dataset.ts";
import { modelSpaceOf } from "../trainer/data/model-space.ts";
import type { Engine } from "../trainer/engine/engine.ts";
import type { FrozenGenerator } from "../trainer/generators/frozen.ts";
import { GENERATORS } from "../trainer/generators/index.ts";
import { readPlainWeights } from "../trainer/generators/plain.ts";
import { OBJECTIVES } from "../trainer/objectives/index.ts";
import { createBudget, upcomingLearningRates } from "../trainer/schedule.ts";

/** The configuration's generator after as many steps as its budget has; the weights in training, not their average. */
export async function trainedGenerator(
  engine: Engine,
  config: Config,
  dataset: Dataset,
): Promise<FrozenGenerator> {
  const random = createRandom(config.seed);
  const generator = GENERATORS[config.generator.kind]!({
    ...config.generator,
    outputShape: dataset.shape,
    outputActivation: "sigmoid",
  });
  const parameters = await engine.createParameters(
    generator.initialParameters(random.fork("weights")),
    config.optimiser,
  );
  const training = await OBJECTIVES[config.objective.name]!.prepare({
    engine,
    generator,
    parameters,
    train: dataset.train,
    space: modelSpaceOf(dataset),
    config,
    random: random.fork("training"),
  });
  const budget = createBudget(config.budget, training.stepsPerEpoch);
  const at = { stepCount: 0, elapsedSeconds: 0, count: config.budget.steps! };
  await training.run(upcomingLearningRates(config.optimiser, budget, at));
  const weights = await readPlainWeights(engine, generator, { parameters, use: "weights" });
  await training.dispose();
  return { latentSize: generator.latentSize, layers: generator.layers, weights };
}

/** Some of the data set's training examples in model space, [count, length], the same ones for a seed. */
export function someExamples(dataset: Dataset, count: number, seed: number): Float32Array<ArrayBuffer> {
  const rows = createRandom(seed).permutation(dataset.train.count).subarray(0, count);
  return modelSpaceOf(dataset).gather(dataset.train, rows);
}
