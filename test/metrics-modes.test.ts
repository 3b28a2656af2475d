import { describe, expect, test } from "vitest";
import { createRandom } from "../shared/random.ts";
import { grid } from "../trainer/data/grid.ts";
import { ring } from "../trainer/data/ring.ts";
import { measureModes } from "../trainer/metrics/modes.ts";

const modes = { centres: new Float32Array([0, 0, 10, 0, 0, 10]), sigma: 1 };

describe("mode coverage", () => {
  test("counts a mode once a sample within 3σ is nearest to it", () => {
    const samples = new Float32Array([0, 2.99, 0.5, 0, 10, 3.01, 5, 5, 100, 100]);
    expect(measureModes(samples, modes, 2)).toEqual({
      modesCovered: 1,
      modeCount: 3,
      highQualityShare: 2 / 5,
    });
  });

  test("takes a sample exactly 3σ away", () => {
    expect(measureModes(new Float32Array([13, 0]), modes, 2)).toMatchObject({
      modesCovered: 1,
      highQualityShare: 1,
    });
  });

  test("gives a sample that two modes could claim to the nearer one only", () => {
    const close = { centres: new Float32Array([0, 1]), sigma: 1 };
    expect(measureModes(new Float32Array([0.6, 0.7, 2]), close, 1).modesCovered).toBe(1);
    expect(measureModes(new Float32Array([0.6, 0.4]), close, 1).modesCovered).toBe(2);
  });

  test("holds no sample for high quality that isn't a number", () => {
    expect(measureModes(new Float32Array([Number.NaN, 0]), modes, 2)).toMatchObject({
      modesCovered: 0,
      highQualityShare: 0,
    });
  });

  test.each([ring, grid])(
    "of the data themselves is full, with the share that 3σ of a plane have: $name",
    (source) => {
      const dataset = source.create(5, { train: 2500, heldOut: 1, test: 1 });
      const found = measureModes(dataset.train.values as Float32Array, dataset.modes!, 2);
      expect(found.modesCovered).toBe(found.modeCount);
      // 1 − e^(−9/2) = 0.98889; 2,500 draws have a standard error of 0.0021.
      expect(Math.abs(found.highQualityShare - (1 - Math.exp(-4.5)))).toBeLessThan(3 * 0.0021);
    },
  );

  test("of uniform noise on the grid's square is wide and of low quality", () => {
    const random = createRandom(1);
    const { modes } = grid.create(1, { train: 1, heldOut: 1, test: 1 });
    const samples = Float32Array.from({ length: 5000 }, () => 10 * random.uniform() - 5);
    const found = measureModes(samples, modes!, 2);
    // A disc of radius 0.15 around each of 25 modes, on a square of side 10; the standard error is 0.0019.
    const expected = (25 * Math.PI * 0.15 ** 2) / 100;
    expect(Math.abs(found.highQualityShare - expected)).toBeLessThan(3 * 0.0019);
  });
});
