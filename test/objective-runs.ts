/** Trainings without what `train.ts` writes along the way. */

import type { Config } from "../trainer/config.ts";
import type { Dataset } from "../trainer/data/dataset.ts";
import type { Engine, ParameterValues } from "../trainer/engine/engine.ts";
import type { Training } from "../trainer/objectives/objective.ts";
import { prepareTraining } from "../trainer/prepare-training.ts";
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
  const { training } = await prepareTraining(engine, config, dataset, { weights });
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

/** The same with a class for every training example. */
export function labelled(
  dataset: Dataset,
  labels: readonly number[],
  labelNames: readonly string[],
): Dataset {
  return { ...dataset, labelNames, train: { ...dataset.train, labels: Uint16Array.from(labels) } };
}
