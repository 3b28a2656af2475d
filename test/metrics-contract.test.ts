/** What every metric keeps to; a new one is tested by being in the registry. */

import { afterAll, describe, expect, test } from "vitest";
import { mixture1d } from "../trainer/data/mixture1d.ts";
import { modelSpaceOf } from "../trainer/data/model-space.ts";
import { ring } from "../trainer/data/ring.ts";
import { createEngine } from "../trainer/engine/index.ts";
import { METRICS } from "../trainer/metrics/index.ts";
import type { EvaluationContext } from "../trainer/metrics/metric.ts";

const { engine } = await createEngine("cpu");
afterAll(() => engine.dispose());

function contextOf(source: typeof ring, sampleCount: number): EvaluationContext {
  const dataset = source.create(1, { train: sampleCount, heldOut: 100, test: 200 });
  const { outputUnits } = modelSpaceOf(dataset);
  return {
    engine,
    dataset,
    length: dataset.train.length,
    validation: outputUnits(dataset.heldOut),
    test: outputUnits(dataset.test!),
    sampleCount,
    samples: outputUnits(dataset.train),
  };
}

describe.each(Object.entries(METRICS))("metric %s", (name, metric) => {
  test("is called what the registry calls it, and names its figures as nobody else does", () => {
    expect(metric.name).toBe(name);
    const others = Object.values(METRICS).filter((other) => other !== metric);
    const taken = others.flatMap(({ figures }) => Object.keys(figures));
    expect(taken.filter((figure) => figure in metric.figures)).toEqual([]);
  });

  test.each([ring, mixture1d])(
    "gives the figures that it promises, finite and always the same ($name)",
    async (source) => {
      const context = contextOf(source, 300);
      expect(metric.obstacle(context)).toBeNull();
      const figures = await metric.evaluate(context);
      expect(Object.keys(figures)).toEqual(Object.keys(metric.figures));
      expect(Object.values(figures).every(Number.isFinite)).toBe(true);
      expect(await metric.evaluate(context)).toEqual(figures);
    },
  );

  test("measures one sample, or says in words why it can't", async () => {
    const context = contextOf(ring, 1);
    const obstacle = metric.obstacle(context);
    if (obstacle === null) {
      expect(Object.values(await metric.evaluate(context)).every(Number.isFinite)).toBe(true);
    } else {
      expect(obstacle).toMatch(/^[a-z].*[^.]$/);
    }
  });

  test("changes nothing that it is given", async () => {
    const context = contextOf(ring, 300);
    const before = [context.samples.slice(), context.test.slice(), context.validation.slice()];
    await metric.evaluate(context);
    expect([context.samples, context.test, context.validation]).toEqual(before);
  });
});
