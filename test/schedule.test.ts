import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { resolveConfig } from "../trainer/config.ts";
import { type Budget, createBudget, learningRateAt, upcomingSteps } from "../trainer/schedule.ts";

describe("the schedule", () => {
  const optimiser = {
    ...resolveConfig("ring").optimiser,
    learningRate: 0.5,
    finalLearningRateShare: 0.1,
    warmupSteps: 9,
  };

  test("warms up linearly and falls along a cosine to the final share", () => {
    const rate = (progress: number, step: number) => learningRateAt(optimiser, progress, step);
    expect(rate(0, 0)).toBeCloseTo(0.05, 12);
    expect(rate(0, 4)).toBeCloseTo(0.25, 12);
    expect(rate(0, 9)).toBeCloseTo(0.5, 12);
    expect(rate(0.5, 1_000)).toBeCloseTo(0.5 * 0.55, 12);
    expect(rate(0.25, 1_000)).toBeCloseTo(0.5 * (0.1 + 0.9 * 0.5 * (1 + Math.SQRT1_2)), 12);
    expect(rate(1, 1_000)).toBeCloseTo(0.05, 12);
    expect(learningRateAt({ ...optimiser, warmupSteps: 0 }, 0, 0)).toBe(0.5);
  });

  test("the rate is never above its peak nor below its floor, and never rises after the warm-up", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1000 }), fc.integer({ min: 1, max: 1000 }), (step, total) => {
        const rate = learningRateAt(optimiser, Math.min(1, step / total), step);
        expect(rate).toBeGreaterThan(0);
        expect(rate).toBeLessThanOrEqual(0.5);
        if (step >= 9) {
          expect(rate).toBeGreaterThanOrEqual(0.05 - 1e-12);
          const next = learningRateAt(optimiser, Math.min(1, (step + 1) / total), step + 1);
          expect(next).toBeLessThanOrEqual(rate);
        }
      }),
    );
  });

  test("rates come for as many steps as asked, up to the end of the budget", () => {
    const none = { steps: null, minutes: null, epochs: null };
    const rates = (budget: Budget, stepCount: number, elapsedSeconds: number) =>
      upcomingSteps(optimiser, budget, { stepCount, elapsedSeconds, count: 4 }).learningRates;
    const steps = createBudget({ ...none, steps: 10 }, 7);
    expect(rates(steps, 3, 1e9)).toEqual(
      [3, 4, 5, 6].map((step) => learningRateAt(optimiser, step / 10, step)),
    );
    expect(rates(steps, 8, 0)).toEqual([8, 9].map((step) => learningRateAt(optimiser, step / 10, step)));
    expect(rates(steps, 10, 0)).toEqual([]);
    const minutes = createBudget({ ...none, minutes: 1 }, 7);
    expect(rates(minutes, 20, 15)).toEqual(
      [20, 21, 22, 23].map((step) => learningRateAt(optimiser, 0.25, step)),
    );
    expect(rates(minutes, 0, 60)).toEqual([]);
  });

  test("the rate falls in every stage, and no two stages share a run", () => {
    const budget = createBudget({ steps: 20, minutes: null, epochs: null }, 7);
    const at = (stepCount: number) =>
      upcomingSteps(optimiser, budget, { stepCount, elapsedSeconds: 0, count: 4, stages: [0.3, 0.7] });
    expect([0, 4, 6, 18, 20].map((step) => at(step).stage)).toEqual([0, 0, 1, 1, 1]);
    expect([0, 4, 6, 18, 20].map((step) => at(step).learningRates.length)).toEqual([4, 2, 4, 2, 0]);
    expect(at(4).learningRates[0]).toBeCloseTo(learningRateAt(optimiser, 4 / 6, 4), 12);
    expect(at(13).learningRates[0]).toBeCloseTo(learningRateAt(optimiser, 7 / 14, 13), 12);
  });

  test("budgets in steps, epochs and minutes", () => {
    const none = { steps: null, minutes: null, epochs: null };
    const steps = createBudget({ ...none, steps: 200 }, 7);
    expect(steps).toMatchObject({ unit: "steps", totalSteps: 200 });
    expect([0, 50, 200, 300].map((count) => steps.progress(count, 1e9))).toEqual([0, 0.25, 1, 1]);
    const epochs = createBudget({ ...none, epochs: 2.5 }, 7);
    expect(epochs).toMatchObject({ unit: "steps", totalSteps: 18 });
    expect([0, 9, 18].map((count) => epochs.progress(count, 1e9))).toEqual([0, 0.5, 1]);
    const minutes = createBudget({ ...none, minutes: 0.5 }, 7);
    expect(minutes).toMatchObject({ unit: "minutes", totalSteps: null });
    expect([0, 15, 30, 31].map((seconds) => minutes.progress(1e9, seconds))).toEqual([0, 0.5, 1, 1]);
  });
});
