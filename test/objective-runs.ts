/** Trainings without what `train.ts` writes along the way. */

import { createRandom } from "../shared/random.ts";
import type { Config } from "../trainer/config.ts";
import type { Dataset } from "../trainer/data/dataset.ts";
import { modelSpaceOf } from "../trainer/data/model-space.ts";
import type { Engine, ParameterValues } from "../trainer/engine/engine.ts";
import { GENERATORS } from "../trainer/generators/index.ts";
import { OBJECTIVES } from "../trainer/objectives/index.ts";
import type { Training } from "../trainer/objectives/objective.ts";
import { createBudget, upcomingSteps } from "../trainer/schedule.ts";

export interface Run {
  readonly training: Training;
  steps(first: number, count: number): Promise<number[]>;
}

/**
 * Gets ready as `train.ts` does.
 *
 * @param weights first weights of the generator, in the place of random ones
 */
export async function prepare(
  engine: Engine,
  dataset: Dataset,
  config: Config,
  weights?: ParameterValues,
): Promise<Run> {
  const random = createRandom(config.seed);
  const generator = GENERATORS[config.generator.kind]!({
    ...config.generator,
    outputShape: dataset.shape,
    outputActivation: "linear",
  });
  const initial = generator.initialParameters(random.fork("weights"));
  const training = await OBJECTIVES[config.objective.name]!.prepare({
    engine,
    generator,
    firstWeights: () => initial.map((each) => ({ ...each, values: weights?.[each.name] ?? each.values })),
    train: dataset.train,
    shape: dataset.shape,
    space: modelSpaceOf(dataset),
    config,
    random: random.fork("training"),
  });
  const budget = createBudget(config.budget, training.stepsPerEpoch);
  const steps = async (first: number, count: number) => {
    const losses: number[] = [];
    for (let stepCount = first; stepCount < first + count; stepCount++) {
      const at = { stepCount, elapsedSeconds: 0, count: 1, stages: training.stages };
      const { learningRates, stage } = upcomingSteps(config.optimiser, budget, at);
      losses.push(...(await training.run(learningRates, stage)).losses);
    }
    return losses;
  };
  return { training, steps };
}

/** Vectors as a data set. */
export function vectors(values: readonly number[], length = 1): Dataset {
  const rows = {
    count: values.length / length,
    length,
    values: Float32Array.from(values),
    labels: null,
  };
  return {
    name: "vectors",
    kind: "vector",
    shape: [length],
    labelNames: null,
    train: rows,
    heldOut: { ...rows, count: 0, values: new Float32Array(0) },
    test: null,
    modes: null,
  };
}
