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

/** The rates of the steps from here on: as many as `count`, fewer where the budget ends, none where it is spent. */
export function upcomingLearningRates(
  optimiser: Config["optimiser"],
  budget: Budget,
  { stepCount, elapsedSeconds, count }: { stepCount: number; elapsedSeconds: number; count: number },
): number[] {
  const rates: number[] = [];
  for (let step = stepCount; step < stepCount + count; step++) {
    const progress = budget.progress(step, elapsedSeconds);
    if (progress === 1) break;
    rates.push(learningRateAt(optimiser, progress, step));
  }
  return rates;
}

/** A linear warm-up, then half a cosine down to the final share of the rate. */
export function learningRateAt(optimiser: Config["optimiser"], progress: number, stepCount: number): number {
  const { learningRate, finalLearningRateShare: final, warmupSteps } = optimiser;
  const warmup = Math.min(1, (stepCount + 1) / (warmupSteps + 1));
  return learningRate * warmup * (final + (1 - final) * 0.5 * (1 + Math.cos(Math.PI * progress)));
}
