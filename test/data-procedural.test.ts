import { describe, expect, test } from "vitest";
import { sha256Hex } from "../shared/sha256.ts";
import type { Dataset, Rows } from "../trainer/data/dataset.ts";
import { loadDataset, PROCEDURAL_SOURCES } from "../trainer/data/index.ts";
import { DEFAULT_COUNTS } from "../trainer/data/procedural.ts";

const SMALL = { train: 200, heldOut: 100, test: 100 };
const PARTS = ["train", "heldOut", "test"] as const;

describe.each(Object.values(PROCEDURAL_SOURCES))("procedural data set $name", (source) => {
  const dataset = source.create(1, SMALL);
  const parts = PARTS.map((part) => dataset[part]!);

  test("has the counts and shapes that it says", () => {
    expect(dataset.name).toBe(source.name);
    const length = dataset.shape.reduce((product, size) => product * size, 1);
    for (const [i, part] of parts.entries()) {
      expect(part.count).toBe(SMALL[PARTS[i]!]);
      expect(part.length).toBe(length);
      expect(part.values).toHaveLength(part.count * length);
      expect(part.labels).toHaveLength(part.count);
      expect(part.values).toBeInstanceOf(dataset.kind === "image" ? Uint8Array : Float32Array);
    }
    if (dataset.modes) {
      expect(dataset.modes.centres).toHaveLength(dataset.labelNames!.length * length);
    }
  });

  test("is the same for the same seed, and another for another", () => {
    expect(source.create(1, SMALL)).toEqual(dataset);
    expect(source.create(2, SMALL).train.values).not.toEqual(dataset.train.values);
  });

  test("example i does not depend on the counts", () => {
    const fewer = source.create(1, { train: 17, heldOut: 5, test: 3 });
    for (const part of PARTS) {
      const { values, labels } = fewer[part]!;
      expect(values).toEqual(dataset[part]!.values.subarray(0, values.length));
      expect(labels).toEqual(dataset[part]!.labels!.subarray(0, labels!.length));
    }
  });

  test("no row occurs twice, within a part or across parts", () => {
    const rows = parts.flatMap(rowTexts);
    expect(new Set(rows).size).toBe(rows.length);
  });

  test("classes are balanced in every part", () => {
    for (const part of parts) {
      const counts = new Array<number>(dataset.labelNames!.length).fill(0);
      for (const label of part.labels!) counts[label]!++;
      expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
    }
  });

  test("has 10,000, 2,000 and 2,000 examples by default", async () => {
    const whole = await loadDataset({ name: source.name, seed: 1 });
    expect(PARTS.map((part) => whole[part]!.count)).toEqual([10_000, 2_000, 2_000]);
    expect(DEFAULT_COUNTS).toEqual({ train: 10_000, heldOut: 2_000, test: 2_000 });
    expect(whole.train.values.subarray(0, dataset.train.values.length)).toEqual(dataset.train.values);
  });
});

describe.each(["ring", "grid", "mixture1d"])("%s is the mixture that its modes describe", (name) => {
  const { train, shape, modes } = PROCEDURAL_SOURCES[name]!.create(7);
  const dimensions = shape[0]!;

  test("every mode has its mean and standard deviation", () => {
    const modeCount = modes!.centres.length / dimensions;
    for (let mode = 0; mode < modeCount; mode++) {
      for (let axis = 0; axis < dimensions; axis++) {
        const scores: number[] = [];
        for (let row = 0; row < train.count; row++) {
          if (train.labels![row] !== mode) continue;
          const offset = train.values[row * dimensions + axis]! - modes!.centres[mode * dimensions + axis]!;
          scores.push(offset / modes!.sigma);
        }
        const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length;
        const variance = scores.reduce((sum, score) => sum + (score - mean) ** 2, 0) / scores.length;
        // Five standard errors: of 66 numbers none would be outside by chance.
        expect(Math.abs(mean)).toBeLessThan(5 / Math.sqrt(scores.length));
        expect(Math.abs(variance - 1)).toBeLessThan(5 * Math.sqrt(2 / scores.length));
      }
    }
  });
});

test("ring: 8 modes, evenly on the unit circle, sigma 0.01", () => {
  const { centres, sigma } = PROCEDURAL_SOURCES["ring"]!.create(1, SMALL).modes!;
  expect(sigma).toBe(0.01);
  expect(centres).toHaveLength(16);
  for (let mode = 0; mode < 8; mode++) {
    expect(centres[2 * mode]).toBeCloseTo(Math.cos((mode * Math.PI) / 4), 6);
    expect(centres[2 * mode + 1]).toBeCloseTo(Math.sin((mode * Math.PI) / 4), 6);
  }
});

test("grid: 25 modes on {−4, −2, 0, 2, 4}², sigma 0.05; mixture1d: 0 and 16, sigma 1", () => {
  const grid = PROCEDURAL_SOURCES["grid"]!.create(1, SMALL).modes!;
  expect(grid.sigma).toBe(0.05);
  const points = new Set(Array.from({ length: 25 }, (_, i) => grid.centres.slice(2 * i, 2 * i + 2).join()));
  expect(points.size).toBe(25);
  expect(new Set(grid.centres)).toEqual(new Set([-4, -2, 0, 2, 4]));
  const line = PROCEDURAL_SOURCES["mixture1d"]!.create(1, SMALL).modes!;
  expect([...line.centres, line.sigma]).toEqual([0, 16, 1]);
});

describe("glyphs", () => {
  const glyphs = PROCEDURAL_SOURCES["glyphs"]!.create(3, { train: 2000, heldOut: 500, test: 0 });

  test("are white ink on black, clear of the border", () => {
    for (let row = 0; row < glyphs.train.count; row++) {
      const image = Array.from(glyphs.train.values.subarray(row * 784, (row + 1) * 784));
      expect(Math.max(...image)).toBeGreaterThan(200);
      const ink = image.reduce((sum, pixel) => sum + pixel, 0) / 255;
      expect(ink).toBeGreaterThan(15);
      expect(ink).toBeLessThan(300);
      for (let i = 0; i < 28; i++) {
        expect(image[i]! + image[27 * 28 + i]! + image[28 * i]! + image[28 * i + 27]!).toBe(0);
      }
    }
  });

  test("have the same pixels on every host and in every version (golden)", async () => {
    const { train } = PROCEDURAL_SOURCES["glyphs"]!.create(1, SMALL);
    expect(await sha256Hex(train.values as Uint8Array<ArrayBuffer>)).toBe(
      "64f4d7c0241b40d43aa38517a233f16606b89b5ab7be20c6aa795b7f608549fc",
    );
  });

  test("classes can be told apart: the nearest training glyph has the right digit", () => {
    // 0.934 measured; MNIST, by as many training and test images, gets 0.88.
    expect(nearestNeighbourAccuracy(glyphs)).toBeGreaterThan(0.9);
  });

  test("a class's examples differ: no two are near", () => {
    const nearest = nearestSquaredDistances(glyphs).map((neighbour) => Math.sqrt(neighbour.squared) / 255);
    expect(Math.min(...nearest)).toBeGreaterThan(0.5);
  });
});

test("an unknown name is refused and the known ones are told", async () => {
  await expect(loadDataset({ name: "mnits", seed: 1 })).rejects.toThrow(
    /no data set "mnits"\. Known: glyphs, ring, grid, mixture1d/,
  );
  await expect(loadDataset({ name: "constructor", seed: 1 })).rejects.toThrow(/no data set "constructor"/);
  await expect(loadDataset({ seed: 1 })).rejects.toThrow(/name a data set/);
});

function rowTexts(rows: Rows): string[] {
  return Array.from({ length: rows.count }, (_, row) =>
    rows.values.subarray(row * rows.length, (row + 1) * rows.length).join(),
  );
}

function nearestNeighbourAccuracy(dataset: Dataset): number {
  const { train, heldOut } = dataset;
  const right = nearestSquaredDistances(dataset).filter(
    ({ row }, query) => train.labels![row] === heldOut.labels![query],
  );
  return right.length / heldOut.count;
}

function nearestSquaredDistances({ train, heldOut }: Dataset): { row: number; squared: number }[] {
  return Array.from({ length: heldOut.count }, (_, query) => {
    let best = { row: -1, squared: Number.POSITIVE_INFINITY };
    for (let row = 0; row < train.count; row++) {
      let squared = 0;
      for (let i = 0; i < train.length && squared < best.squared; i++) {
        squared += (train.values[row * train.length + i]! - heldOut.values[query * train.length + i]!) ** 2;
      }
      if (squared < best.squared) best = { row, squared };
    }
    return best;
  });
}
