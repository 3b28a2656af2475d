import { afterAll, describe, expect, test } from "vitest";
import { ring } from "../trainer/data/ring.ts";
import { createEngine } from "../trainer/engine/index.ts";
import { matchDistance } from "../trainer/metrics/match-distance.ts";
import { evaluationContext } from "./evaluation-context.ts";

const { engine } = await createEngine("cpu");
afterAll(() => engine.dispose());

describe("match distance", () => {
  test("is told as mean, standard error and 95th percentile", async () => {
    // Distances 0, 1, …, 100 from the one sample.
    const test = Float32Array.from({ length: 101 }, (_, i) => 100 - i);
    const dataset = ring.create(1, { train: 1, heldOut: 1, test: 1 });
    const samples = new Float32Array([0]);
    const context = evaluationContext(engine, dataset, { length: 1, test, samples });
    const figures = await matchDistance.evaluate(context);
    expect(figures).toEqual({
      matchDistance: 50,
      matchDistanceError: expect.closeTo(Math.sqrt((101 ** 2 - 1) / 12 / 101), 10),
      matchDistanceP95: 95,
    });
  });
});
