import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { createRandom } from "../shared/random.ts";
import { createEngine } from "../trainer/engine/index.ts";
import { measurePrdc, type Prdc } from "../trainer/metrics/prdc.ts";

const { engine } = await createEngine("cpu");
afterAll(() => engine.dispose());

function normals(seed: number, count: number): Float32Array<ArrayBuffer> {
  return createRandom(seed).fillNormal(new Float32Array(count));
}

function pointsOf(flat: Float32Array, length: number): number[][] {
  return Array.from({ length: flat.length / length }, (_, i) => [
    ...flat.subarray(i * length, (i + 1) * length),
  ]);
}

const squaredL2 = (a: readonly number[], b: readonly number[]) =>
  a.reduce((sum, value, j) => sum + (value - b[j]!) ** 2, 0);

/** Naeem et al. 2020, equations 1 to 4 and section 3, word for word. */
function byDefinition(real: number[][], fake: number[][], k: number): Prdc {
  const radius = (points: number[][], i: number) =>
    points
      .filter((_, other) => other !== i)
      .map((other) => squaredL2(points[i]!, other))
      .sort((a, b) => a - b)[k - 1]!;
  const realRadii = real.map((_, i) => radius(real, i));
  const fakeRadii = fake.map((_, j) => radius(fake, j));
  const inReal = (j: number, i: number) => squaredL2(fake[j]!, real[i]!) <= realRadii[i]!;
  const inFake = (i: number, j: number) => squaredL2(real[i]!, fake[j]!) <= fakeRadii[j]!;
  const share = (points: number[][], holds: (index: number) => boolean) =>
    points.filter((_, index) => holds(index)).length / points.length;
  const balls = fake.reduce((sum, _, j) => sum + real.filter((_, i) => inReal(j, i)).length, 0);
  return {
    precision: share(fake, (j) => real.some((_, i) => inReal(j, i))),
    recall: share(real, (i) => fake.some((_, j) => inFake(i, j))),
    density: balls / (k * fake.length),
    coverage: share(real, (i) => fake.some((_, j) => inReal(j, i))),
  };
}

describe("precision, recall, density and coverage", () => {
  test("equal their definitions on small sets", async () => {
    const sizes = fc.record({
      k: fc.integer({ min: 1, max: 5 }),
      realExtra: fc.integer({ min: 1, max: 30 }),
      fakeExtra: fc.integer({ min: 1, max: 30 }),
      length: fc.integer({ min: 1, max: 24 }),
      shift: fc.double({ min: 0, max: 2, noNaN: true }),
      seed: fc.nat(),
    });
    await fc.assert(
      fc.asyncProperty(sizes, async ({ k, realExtra, fakeExtra, length, shift, seed }) => {
        const real = normals(seed, (k + realExtra) * length);
        const fake = normals(seed + 1, (k + fakeExtra) * length).map((value) => value + shift);
        const expected = byDefinition(pointsOf(real, length), pointsOf(fake, length), k);
        const found = await measurePrdc(engine, real, fake, length, k);
        for (const name of ["precision", "recall", "density", "coverage"] as const) {
          expect(found[name]).toBeCloseTo(expected[name], 10);
        }
      }),
      { numRuns: 60 },
    );
  });

  const large = { timeout: 300_000 }; // ten seconds on two idle cores
  test(
    "on two N(0, I) sets of 10,000 × 1,000, k = 5, equal float64 NumPy and fit the published values",
    large,
    async () => {
      const found = await measurePrdc(engine, normals(1, 1e7), normals(2, 1e7), 1000, 5);
      // NumPy on the same numbers, distances in float64.
      const expected = { precision: 0.4677, recall: 0.4937, density: 0.89224, coverage: 0.9571 };
      // Naeem et al.'s example, its seed unknown; and the standard deviation from seed to seed, over 8 pairs.
      const published = { precision: 0.4772, recall: 0.4705, density: 1.0555, coverage: 0.9735 };
      const deviation = { precision: 0.0116, recall: 0.0077, density: 0.0514, coverage: 0.0052 };
      for (const name of ["precision", "recall", "density", "coverage"] as const) {
        // A tie that float32 breaks otherwise moves one example in 10,000.
        expect(Math.abs(found[name] - expected[name])).toBeLessThan(0.0003);
        // Both are one draw, so their difference varies √2 times as much.
        expect(Math.abs(found[name] - published[name])).toBeLessThan(3 * Math.SQRT2 * deviation[name]);
      }
    },
  );

  test.each([2, 30])(
    "of a set against itself are all 1 but density, which is above it (%i-d)",
    async (length) => {
      const points = normals(3, 200 * length);
      const found = await measurePrdc(engine, points, points.slice(), length, 5);
      expect(found).toEqual({ precision: 1, recall: 1, density: 6 / 5, coverage: 1 });
    },
  );

  test("are all 0 where the sets are far apart", async () => {
    const real = normals(4, 100 * 2);
    const fake = normals(5, 100 * 2).map((value) => value + 1000);
    expect(await measurePrdc(engine, real, fake, 2, 5)).toEqual({
      precision: 0,
      recall: 0,
      density: 0,
      coverage: 0,
    });
  });

  test("see one repeated sample: precise, dense, and neither recalled nor covered", async () => {
    const real = normals(6, 500 * 2);
    const fake = new Float32Array(500 * 2); // the origin, 500 times
    const found = await measurePrdc(engine, real, fake, 2, 5);
    expect(found.precision).toBe(1);
    expect(found.recall).toBe(0);
    expect(found.coverage).toBeLessThan(0.1);
  });

  test.each([1, 30])("are 1 where every point of both sets is the same one (%i-d)", async (length) => {
    const points = new Float32Array(10 * length).fill(0.7);
    const found = await measurePrdc(engine, points, points.slice(0, 8 * length), length, 5);
    expect(found).toEqual({ precision: 1, recall: 1, density: 2, coverage: 1 });
  });
});
