/** A training as `train.ts` does it, without what is written along the way, a number of steps at a time. */

import type { Config } from "../trainer/config.ts";
import type { Dataset } from "../trainer/data/dataset.ts";
import type { Engine } from "../trainer/engine/engine.ts";
import { DEFAULT_SAMPLE_COUNT } from "../trainer/evaluate.ts";
import { createSeededSampler } from "../trainer/generators/frozen.ts";
import { prepareTraining } from "../trainer/prepare-training.ts";
import { createBudget, upcomingSteps } from "../trainer/schedule.ts";

export interface BenchTraining {
  readonly label: string;
  /** Trains on; the seconds that it took. */
  advance(steps: number): Promise<number>;
  /** Samples of the averaged weights, [DEFAULT_SAMPLE_COUNT, length], in 0 … 1. */
  samples(): Promise<Float32Array<ArrayBuffer>>;
  /** Seconds so far, by the part of the training. */
  spent(): Readonly<Record<string, number>>;
  close(): Promise<void>;
}

/** @param config for images */
export async function startTraining(
  engine: Engine,
  config: Config,
  dataset: Dataset,
): Promise<BenchTraining> {
  const { training } = await prepareTraining(engine, config, dataset);
  const budget = createBudget(config.budget, training.stepsPerEpoch);
  const spent: Record<string, number> = {};
  let stepCount = 0;
  return {
    label: engine.description,
    async advance(steps) {
      const start = performance.now();
      for (const last = stepCount + steps; stepCount < last; ) {
        const count = Math.min(training.unroll, last - stepCount);
        const at = { stepCount, elapsedSeconds: 0, count, stages: training.stages };
        const { learningRates, stage } = upcomingSteps(config.optimiser, budget, at);
        if (learningRates.length === 0) break;
        const { seconds } = await training.run(learningRates, stage);
        for (const [part, time] of Object.entries(seconds)) spent[part] = (spent[part] ?? 0) + time;
        stepCount += learningRates.length;
      }
      return (performance.now() - start) / 1000;
    },
    async samples() {
      const sampler = await createSeededSampler(engine, await training.model());
      const samples = await sampler.sample(config.seed, 0, DEFAULT_SAMPLE_COUNT);
      await sampler.dispose();
      return samples;
    },
    spent: () => spent,
    close: () => training.dispose(),
  };
}
