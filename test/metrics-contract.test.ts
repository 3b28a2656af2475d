/** What every metric keeps to; a new one is tested by being in the registry. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { classifierOf } from "../trainer/classifier/index.ts";
import { glyphs } from "../trainer/data/glyphs.ts";
import { mixture1d } from "../trainer/data/mixture1d.ts";
import type { ProceduralSource } from "../trainer/data/procedural.ts";
import { ring } from "../trainer/data/ring.ts";
import { createEngine } from "../trainer/engine/index.ts";
import { METRICS } from "../trainer/metrics/index.ts";
import type { EvaluationContext } from "../trainer/metrics/metric.ts";
import { evaluationContext } from "./evaluation-context.ts";

const { engine } = await createEngine("cpu");
const folder = mkdtempSync(join(tmpdir(), "imle-metrics-"));
afterAll(async () => {
  await engine.dispose();
  rmSync(folder, { recursive: true });
});

/** As many training examples, which stand for samples; images have a classifier. */
async function contextOf(source: ProceduralSource, sampleCount: number): Promise<EvaluationContext> {
  const dataset = source.create(1, { train: 300, heldOut: 100, test: 200 });
  const all = evaluationContext(engine, dataset);
  const samples = all.samples.subarray(0, sampleCount * all.length);
  if (dataset.kind === "vector") return evaluationContext(engine, dataset, { samples });
  const classified: EvaluationContext["classified"] = async () => {
    const classifier = await classifierOf({ engine, dataset, folder });
    return {
      test: await classifier.classify(all.test),
      samples: await classifier.classify(samples),
      featureSize: classifier.featureSize,
    };
  };
  return evaluationContext(engine, dataset, { samples, classifierObstacle: null, classified });
}

const SOURCES = [ring, mixture1d, glyphs];
const contexts = await Promise.all(SOURCES.map((source) => contextOf(source, 300)));

describe.each(Object.entries(METRICS))("metric %s", (name, metric) => {
  const measurable = contexts.filter((context) => metric.obstacle(context) === null);

  test("is called what the registry calls it, and names its figures as nobody else does", () => {
    expect(metric.name).toBe(name);
    const others = Object.values(METRICS).filter((other) => other !== metric);
    const taken = others.flatMap(({ figures }) => Object.keys(figures));
    expect(taken.filter((figure) => figure in metric.figures)).toEqual([]);
  });

  test("gives the figures that it promises, finite and always the same", async () => {
    expect(measurable.length).toBeGreaterThan(0);
    for (const context of measurable) {
      const figures = await metric.evaluate(context);
      expect(Object.keys(figures)).toEqual(Object.keys(metric.figures));
      expect(Object.values(figures).every(Number.isFinite)).toBe(true);
      expect(await metric.evaluate(context)).toEqual(figures);
    }
  });

  test("measures one sample and data of every kind, or says in words why it can't", async () => {
    const single = await Promise.all(SOURCES.map((source) => contextOf(source, 1)));
    for (const context of [...contexts, ...single]) {
      const obstacle = metric.obstacle(context);
      if (obstacle === null) {
        expect(Object.values(await metric.evaluate(context)).every(Number.isFinite)).toBe(true);
      } else {
        expect(obstacle).toMatch(/^["a-z].*[^.]$/);
      }
    }
  });

  test("changes nothing that it is given", async () => {
    for (const context of measurable) {
      const { samples, test, validation } = context;
      const before = [samples.slice(), test.slice(), validation.slice()];
      await metric.evaluate(context);
      expect([samples, test, validation]).toEqual(before);
    }
  });
});
