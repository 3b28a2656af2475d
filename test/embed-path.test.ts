/** The way between two samples that the embed's interpolate takes. */

import { describe, expect, test } from "vitest";
import { pathInputs } from "../edge/embed/path-inputs.ts";
import { sampleInputs } from "../shared/generator-inputs.ts";

const SPEC = { latentSize: 64, labelCounts: null };
const lengthOf = (row: Float32Array) => Math.hypot(...row);
const rowsOf = (inputs: Float32Array, steps: number) =>
  Array.from({ length: steps }, (_, i) =>
    inputs.subarray((i * inputs.length) / steps, ((i + 1) * inputs.length) / steps),
  );

describe("a path through latent space", () => {
  test("begins and ends at the seeds' own inputs, to the bit", () => {
    const rows = rowsOf(pathInputs(SPEC, { seed: 1 }, { seed: 2 }, 7, 0.8), 7);
    for (const [seed, row] of [[1, rows[0]] as const, [2, rows[6]] as const]) {
      expect(row).toEqual(sampleInputs(SPEC, { seed, first: 0, count: 1, temperature: 0.8 }));
    }
  });

  test("is as long everywhere as latents are, where a straight line would cut the corner", () => {
    const rows = rowsOf(pathInputs(SPEC, { seed: 1 }, { seed: 2 }, 9, 1), 9);
    const [first, last] = [lengthOf(rows[0]!), lengthOf(rows[8]!)];
    for (const [i, row] of rows.entries()) {
      expect(lengthOf(row)).toBeCloseTo(first + ((last - first) * i) / 8, 4);
    }
    const middle = rows[0]!.map((value, i) => (value + rows[8]![i]!) / 2);
    expect(lengthOf(middle)).toBeLessThan(0.9 * Math.min(first, last));
  });

  test("from a sample to itself stays there", () => {
    const [first, ...others] = rowsOf(pathInputs(SPEC, { seed: 1 }, { seed: 1 }, 5, 1), 5);
    for (const row of others) {
      for (const [i, value] of row.entries()) expect(value).toBeCloseTo(first![i]!, 6);
    }
  });

  test("goes from one class to another in even steps, whatever the latents' length", () => {
    const spec = { latentSize: 3, labelCounts: [1, 1] };
    const ends = [
      { seed: 1, label: 0 },
      { seed: 2, label: 1 },
    ] as const;
    const rows = rowsOf(pathInputs(spec, ends[0], ends[1], 5, 1), 5);
    expect(rows.map((row) => Array.from(row.subarray(3)))).toEqual([
      [1, 0],
      [0.75, 0.25],
      [0.5, 0.5],
      [0.25, 0.75],
      [0, 1],
    ]);
  });
});
