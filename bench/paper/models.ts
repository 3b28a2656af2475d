/** Trains a model for an experiment, and measures it. */

import { CLASSIFIER_FOLDER } from "../../trainer/classifier/index.ts";
import { resolveConfig } from "../../trainer/config.ts";
import type { Dataset } from "../../trainer/data/dataset.ts";
import { DEFAULT_SAMPLE_COUNT, evaluate } from "../../trainer/evaluate.ts";
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
  { engine, size }: Pick<PaperContext, "engine" | "size">,
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

/** Trains on pictures, and measures 10,000 samples. */
export async function trainAndEvaluate(
  context: PaperContext,
  dataset: Dataset,
  request: ModelRequest,
  metrics: readonly string[],
  replaced?: Pick<PreparationOptions, "searcher" | "space">,
): Promise<Readonly<Record<string, number>>> {
  const model = await trainModel(context, dataset, request, replaced);
  const figures = await evaluate({
    engine: context.engine,
    dataset,
    seed: request.seed,
    sampleCount: context.size === "smoke" ? 100 : DEFAULT_SAMPLE_COUNT,
    metrics,
    classifierFolder: CLASSIFIER_FOLDER,
    sample: (_, __, count) => model.sample(count),
  });
  await model.dispose();
  return figures;
}
