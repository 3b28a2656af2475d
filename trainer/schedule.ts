/** How far a run is, and what learning rate that means. */

import type { Config } from "./config.ts";

export interface Budget {
  /** 0 at the start, 1 when the budget is spent. */
  progress(stepCount: number, elapsedSeconds: number): number;
  readonly unit: "steps" | "minutes";
  /** Steps, where they are known beforehand. */
  readonly totalSteps: number | null;
}

export function createBudget(budget: Config["budget"], stepsPerEpoch: number): Budget {
  if (budget.minutes !== null) {
    const seconds = budget.minutes * 60;
    return { unit: "minutes", totalSteps: null, progress: (_, elapsed) => Math.min(1, elapsed / seconds) };
  }
  const totalSteps = budget.steps ?? Math.ceil(budget.epochs! * stepsPerEpoch);
  return { unit: "steps", totalSteps, progress: (stepCount) => Math.min(1, stepCount / totalSteps) };
}

export interface UpcomingSteps {
  /** As many as asked for, fewer where a stage or the budget ends, none where it is spent. */
  readonly learningRates: readonly number[];
  readonly stage: number;
}

/**
 * The steps from here on that are of one stage.
 *
 * @param at.stages shares of the budget, which add up to 1; one stage if left out. The rate falls anew in each
 */
export function upcomingSteps(
  optimiser: Config["optimiser"],
  budget: Budget,
  at: {
    readonly stepCount: number;
    readonly elapsedSeconds: number;
    readonly count: number;
    readonly stages?: readonly number[] | undefined;
  },
): UpcomingSteps {
  const { stepCount, elapsedSeconds, count, stages = [1] } = at;
  const progressAt = (step: number) => budget.progress(step, elapsedSeconds);
  const { stage } = stageAt(stages, progressAt(stepCount));
  const learningRates: number[] = [];
  for (let step = stepCount; step < stepCount + count && progressAt(step) < 1; step++) {
    const now = stageAt(stages, progressAt(step));
    if (now.stage !== stage) break;
    learningRates.push(learningRateAt(optimiser, now.progress, step));
  }
  return { learningRates, stage };
}

/** Which stage the whole's progress falls into, and the stage's own progress. */
function stageAt(stages: readonly number[], progress: number): { stage: number; progress: number } {
  let start = 0;
  let stage = 0;
  while (stage < stages.length - 1 && progress >= start + stages[stage]!) start += stages[stage++]!;
  return { stage, progress: Math.min(1, (progress - start) / stages[stage]!) };
}

/** A linear warm-up, then half a cosine down to the final share of the rate. */
export function learningRateAt(optimiser: Config["optimiser"], progress: number, stepCount: number): number {
  const { learningRate, finalLearningRateShare: final, warmupSteps } = optimiser;
  const warmup = Math.min(1, (stepCount + 1) / (warmupSteps + 1));
  return learningRate * warmup * (final + (1 - final) * 0.5 * (1 + Math.cos(Math.PI * progress)));
}
