/** Trains a model for an experiment, and measures it. */

import { resolveConfig } from "../../trainer/config.ts";
import type { Dataset } from "../../trainer/data/dataset.ts";
import { modelSpaceOf } from "../../trainer/data/model-space.ts";
import {
  createSeededSampler,
  type FrozenGenerator,
  foldModelSpace,
} from "../../trainer/generators/frozen.ts";
import { type PreparationOptions, prepareTraining } from "../../trainer/prepare-training.ts";
import { createBudget, upcomingSteps } from "../../trainer/schedule.ts";
import type { PaperContext } from "./experiment.ts";

export interface ModelRequest {
  readonly preset: string;
  readonly objective: string;
  /** `path=value` each. */
  readonly set?: readonly string[];
  readonly steps: number;
  readonly seed: number;
}

export interface TrainedModel {
  /** [count, length], in output units. */
  sample(count: number): Promise<Float32Array<ArrayBuffer>>;
  /** Loss and figures, as means of equal parts of the training. */
  readonly course: readonly { readonly step: number; readonly loss: number; readonly figures: Figures }[];
  /** Seconds by part: sample, search, descend. */
  readonly seconds: Readonly<Record<string, number>>;
  dispose(): Promise<void>;
}

type Figures = Readonly<Record<string, number>>;

const COURSE_PARTS = 40;
/** What a smoke run takes instead. */
const SMOKE_STEPS = 12;
const SMOKE = [
  "objective.poolSize=200",
  "objective.subsetSize=100",
  "objective.batchSize=16",
  "objective.featureSteps=5",
  "generator.hidden=[16]",
];

export async function trainModel(
  { engine, size }: PaperContext,
  dataset: Dataset,
  { preset, objective, set = [], steps, seed }: ModelRequest,
  replaced: Pick<PreparationOptions, "searcher" | "space"> = {},
): Promise<TrainedModel> {
  const total = size === "smoke" ? SMOKE_STEPS : steps;
  const config = resolveConfig(preset, {
    objective,
    seed,
    budget: { steps: total },
    set: [...set, ...(size === "smoke" ? SMOKE : [])],
  });
  const { training, space } = await prepareTraining(engine, config, dataset, replaced);
  const budget = createBudget(config.budget, training.stepsPerEpoch);
  const seconds: Record<string, number> = {};
  const course: { step: number; loss: number; figures: Figures }[] = [];
  const part = Math.max(1, Math.floor(total / COURSE_PARTS));
  let losses: number[] = [];
  for (let stepCount = 0; stepCount < total; ) {
    const at = { stepCount, elapsedSeconds: 0, count: training.unroll, stages: training.stages };
    const { learningRates, stage } = upcomingSteps(config.optimiser, budget, at);
    const report = await training.run(learningRates, stage);
    for (const [name, spent] of Object.entries(report.seconds)) seconds[name] = (seconds[name] ?? 0) + spent;
    stepCount += learningRates.length;
    losses.push(...report.losses);
    if (losses.length >= part || stepCount >= total) {
      const loss = losses.reduce((sum, each) => sum + each, 0) / losses.length;
      course.push({ step: stepCount, loss, figures: report.figures ?? {} });
      losses = [];
    }
  }
  const model: FrozenGenerator = foldModelSpace(await training.model(), space);
  await training.dispose();
  const sampler = await createSeededSampler(engine, model);
  return {
    sample: (count) => sampler.sample(seed, 0, count),
    course,
    seconds,
    dispose: () => sampler.dispose(),
  };
}

/** What the data's own training examples are in output units: [count, length]. */
export function realExamples(dataset: Dataset, count: number): Float32Array<ArrayBuffer> {
  const { train } = dataset;
  const all = Math.min(count, train.count);
  return modelSpaceOf(dataset).outputUnits({
    ...train,
    count: all,
    values: train.values.subarray(0, all * train.length),
  });
}
