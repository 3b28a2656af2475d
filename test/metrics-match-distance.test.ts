import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { createRandom } from "../shared/random.ts";
import { ring } from "../trainer/data/ring.ts";
import { createEngine } from "../trainer/engine/index.ts";
import { matchDistance, nearestDistances } from "../trainer/metrics/match-distance.ts";

const { engine } = await createEngine("cpu");
afterAll(() => engine.dispose());

function normals(seed: number, count: number): Float32Array<ArrayBuffer> {
  return createRandom(seed).fillNormal(new Float32Array(count));
}

describe("match distance", () => {
  test("is the distance to the nearest sample", async () => {
    const sizes = fc.record({
      sampleCount: fc.integer({ min: 1, max: 60 }),
      length: fc.integer({ min: 1, max: 40 }),
      seed: fc.nat(),
    });
    await fc.assert(
      fc.asyncProperty(sizes, async ({ sampleCount, length, seed }) => {
        const samples = normals(seed, sampleCount * length);
        const examples = normals(seed + 1, 9 * length);
        const found = await nearestDistances(engine, examples, samples, length);
        for (let i = 0; i < 9; i++) {
          let nearest = Number.POSITIVE_INFINITY;
          for (let m = 0; m < sampleCount; m++) {
            let squared = 0;
            for (let j = 0; j < length; j++) {
              squared += (examples[i * length + j]! - samples[m * length + j]!) ** 2;
            }
            nearest = Math.min(nearest, Math.sqrt(squared));
          }
          expect(found[i]).toBeCloseTo(nearest, 5);
        }
      }),
      { numRuns: 50 },
    );
  });

  test("is exactly 0 for an example that is among the samples, however long", async () => {
    const samples = normals(1, 500 * 784);
    const found = await nearestDistances(engine, samples.slice(0, 20 * 784), samples, 784);
    expect([...found]).toEqual(new Array(20).fill(0));
  });

  test("is told as mean, standard error and 95th percentile", async () => {
    // Distances 0, 1, …, 100 from the one sample.
    const test = Float32Array.from({ length: 101 }, (_, i) => 100 - i);
    const dataset = ring.create(1, { train: 1, heldOut: 1, test: 1 });
    const figures = await matchDistance.evaluate({
      engine,
      dataset,
      length: 1,
      validation: test,
      test,
      sampleCount: 1,
      samples: new Float32Array([0]),
    });
    expect(figures).toEqual({
      matchDistance: 50,
      matchDistanceError: expect.closeTo(Math.sqrt((101 ** 2 - 1) / 12 / 101), 10),
      matchDistanceP95: 95,
    });
  });
});
