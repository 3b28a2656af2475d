import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createPlainScan } from "../shared/plain-scan.ts";
import { createRandom, type Random } from "../shared/random.ts";
import {
  conformalPValue,
  isAuthentic,
  NEIGHBOURHOOD,
  neighbourhoodRatio,
  verdictOf,
} from "../shared/verdict.ts";
import { kernelModule } from "../trainer/engine/kernels.ts";

describe("the neighbourhood ratio", () => {
  test("is the nearest distance over the mean distance", () => {
    expect(neighbourhoodRatio([1, 2, 3])).toBe(0.5);
    expect(neighbourhoodRatio([4, 4])).toBe(1);
  });

  test("is 0 for an exact copy, even among duplicates alone", () => {
    expect(neighbourhoodRatio([0, 2])).toBe(0);
    expect(neighbourhoodRatio([0, 0, 0])).toBe(0);
  });

  test("lies in [0, 1] and does not depend on the data's scale", () => {
    const distances = fc.array(fc.integer({ min: 0, max: 10_000 }), { minLength: 1, maxLength: 50 });
    fc.assert(
      fc.property(distances, (unsorted) => {
        const ascending = unsorted.toSorted((a, b) => a - b);
        const ratio = neighbourhoodRatio(ascending);
        expect(ratio).toBeGreaterThanOrEqual(0);
        expect(ratio).toBeLessThanOrEqual(1);
        expect(neighbourhoodRatio(ascending.map((distance) => distance * 4))).toBe(ratio);
      }),
    );
  });
});

describe("the conformal p-value", () => {
  test("counts null statistics at most as large, by definition", () => {
    const statistics = fc.array(fc.integer({ min: 0, max: 8 }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(statistics, fc.integer({ min: -1, max: 9 }), (unsorted, eighths) => {
        const nullStatistics = Float32Array.from(unsorted, (value) => value / 8).sort();
        const statistic = eighths / 8;
        const atMost = nullStatistics.filter((value) => value <= statistic).length;
        expect(conformalPValue(nullStatistics, statistic)).toBe((1 + atMost) / (1 + nullStatistics.length));
      }),
    );
  });

  test("counts a null statistic that equals the example's before it was rounded to float32", () => {
    for (const statistic of [0.1, 1 / 3, 0.7]) {
      expect(conformalPValue(Float32Array.of(statistic), statistic)).toBe(1);
    }
  });

  test("is twice as large where training examples were left out one by one, at most 1", () => {
    const ascending = Float32Array.of(0.2, 0.4, 0.6);
    expect(conformalPValue(ascending, 0.1, "leave-one-out")).toBe(0.5);
    expect(conformalPValue(ascending, 0.5, "leave-one-out")).toBe(1);
  });

  test("is never 0", () => {
    expect(conformalPValue(Float32Array.of(0.5, 0.6, 0.7), 0)).toBe(0.25);
  });
});

test("verdicts: copy below alpha, close below 0.05, else novel", () => {
  expect([0, 0.0099, 0.01, 0.0499, 0.05, 1].map((p) => verdictOf(p, 0.01))).toEqual([
    "copy",
    "copy",
    "close",
    "close",
    "novel",
    "novel",
  ]);
});

test("authentic: farther from its nearest training example than that one is from the rest", () => {
  expect(isAuthentic(2, 1)).toBe(true);
  expect(isAuthentic(1, 1)).toBe(false);
  expect(isAuthentic(1, Number.POSITIVE_INFINITY)).toBe(false);
});

describe("end to end on Gaussian data, with the real scan", () => {
  const rowLength = 16;
  const heldOutCount = 1999;
  const freshCount = 4000;
  const root = createRandom(20);
  const rowsOf = (random: Random, count: number) => random.fillNormal(new Float32Array(count * rowLength));
  const train = rowsOf(root.fork("train"), 1000);
  const scan = createPlainScan(kernelModule("scan"), {
    dtype: "float32",
    rowCount: 1000,
    shape: [rowLength],
  });
  scan.rows.set(new Uint8Array(train.buffer));
  const statisticOf = (row: Float32Array) => neighbourhoodRatio(scan.search(row, NEIGHBOURHOOD).distances);
  const statistics = (rows: Float32Array, count: number) =>
    Float32Array.from({ length: count }, (_, i) =>
      statisticOf(rows.subarray(i * rowLength, (i + 1) * rowLength)),
    );
  const nullStatistics = statistics(rowsOf(root.fork("held-out"), heldOutCount), heldOutCount).sort();

  test("on fresh data the share of copies is alpha, and of p < 0.05 it is 0.05", () => {
    const fresh = statistics(rowsOf(root.fork("fresh"), freshCount), freshCount);
    const pValues = Array.from(fresh, (statistic) => conformalPValue(nullStatistics, statistic));
    for (const level of [0.01, 0.05]) {
      const share = pValues.filter((p) => p < level).length / freshCount;
      // Both the calibration set and the fresh one are samples.
      const deviation = Math.sqrt(level * (1 - level) * (1 / heldOutCount + 1 / freshCount));
      expect(Math.abs(share - level)).toBeLessThan(3 * deviation);
    }
  });

  test("training examples with a little noise are found", () => {
    const noise = rowsOf(root.fork("noise"), 1000);
    const altered = train.map((value, i) => value + 0.05 * noise[i]!);
    const found = Array.from(statistics(altered, 1000)).filter(
      (statistic) => verdictOf(conformalPValue(nullStatistics, statistic), 0.01) === "copy",
    );
    expect(found.length).toBe(1000);
  });
});
