import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createRandom } from "../shared/random.ts";
import { resolveConfig } from "../trainer/config.ts";
import type { Engine } from "../trainer/engine/engine.ts";
import { createEngine } from "../trainer/engine/index.ts";
import { createSeededSampler } from "../trainer/generators/frozen.ts";
import { symmetricEigen } from "../trainer/linear-algebra/eigen.ts";
import { cellMoments, equalCells } from "../trainer/objectives/gaussian/cells.ts";
import { fitLocalGaussians } from "../trainer/objectives/gaussian/local-gaussians.ts";
import { localModel } from "../trainer/objectives/gaussian/local-layers.ts";
import { principalAxes } from "../trainer/objectives/gaussian/principal-axes.ts";
import { prepare, vectors } from "./objective-runs.ts";

let engine: Engine;
beforeAll(async () => {
  ({ engine } = await createEngine("cpu"));
});
afterAll(() => engine.dispose());

const CENTRES = [
  [10, 0, 0],
  [10, 4, 0],
  [-10, 0, 0],
  [-10, 0, 4],
];
/** 400 rows: four clusters, each a stick of deviation 0.5 along (0.6, 0.8, 0). */
function clusters(): number[] {
  const random = createRandom(3);
  return Array.from({ length: 400 }, (_, i) => {
    const along = 0.5 * random.normal();
    return CENTRES[i % 4]!.map((centre, j) => centre + along * [0.6, 0.8, 0][j]!);
  }).flat();
}

describe("eigenvectors of symmetric matrices", () => {
  test("make up the matrix again, are orthonormal, and come largest first", () => {
    for (const size of [1, 2, 7, 20]) {
      const random = createRandom(size);
      const matrix = new Float64Array(size * size);
      for (let i = 0; i < size; i++) {
        for (let j = 0; j <= i; j++) matrix[i * size + j] = matrix[j * size + i] = random.normal();
      }
      const { values, vectors: found } = symmetricEigen(matrix, size);
      expect([...values]).toEqual([...values].sort((a, b) => b - a));
      for (let i = 0; i < size; i++) {
        for (let j = 0; j < size; j++) {
          let [made, dot] = [0, 0];
          for (let k = 0; k < size; k++) {
            made += values[k]! * found[k * size + i]! * found[k * size + j]!;
            dot += found[i * size + k]! * found[j * size + k]!;
          }
          expect(made).toBeCloseTo(matrix[i * size + j]!, 12);
          expect(dot).toBeCloseTo(i === j ? 1 : 0, 12);
        }
      }
    }
  });
});

test("eigenvectors of what are no numbers come to an end", () => {
  const { values } = symmetricEigen(new Float64Array(25).fill(Number.NaN), 5);
  expect([...values]).toEqual(Array(5).fill(Number.NaN));
});

describe("cells", () => {
  test("hold every row once, as many each, and rows that lie together", () => {
    const values = Float32Array.from(clusters());
    const cells = equalCells(values, 3, 2);
    expect(cells.map((cell) => cell.length)).toEqual([100, 100, 100, 100]);
    expect(cells.flatMap((cell) => [...cell]).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 400 }, (_, i) => i),
    );
    for (const cell of cells) expect(new Set([...cell].map((row) => row % 4)).size).toBe(1);
  });

  test("rows that are all alike are divided as well", () => {
    const cells = equalCells(new Float32Array(30), 3, 2);
    expect(cells.map((cell) => cell.length)).toEqual([2, 3, 2, 3]);
  });

  test("their moments are those of the formula", () => {
    const { mean, covariance } = cellMoments(Float32Array.of(1, 2, 3, 6, 100, 100), 2, Int32Array.of(0, 1));
    expect([...mean]).toEqual([2, 4]);
    expect([...covariance]).toEqual([2, 4, 4, 8]);
  });
});

describe("principal axes", () => {
  test.each([
    [5, 8],
    [30, 8],
  ])("of %d rows of %d numbers make up their covariance", (count, length) => {
    const rows = createRandom(1).fillNormal(new Float32Array(count * length));
    const all = Int32Array.from({ length: count }, (_, i) => i);
    const { mean, covariance } = cellMoments(rows, length, all);
    const found = principalAxes(rows, length, all);
    expect(found.mean).toEqual(mean);
    for (let i = 0; i < length; i++) {
      for (let j = 0; j < length; j++) {
        let made = 0;
        for (let k = 0; k < found.axes.length; k += length) made += found.axes[k + i]! * found.axes[k + j]!;
        expect(made).toBeCloseTo(covariance[i * length + j]!, 10);
      }
    }
    found.variances.forEach((variance, k) => {
      const axis = found.axes.subarray(k * length, (k + 1) * length);
      expect(axis.reduce((sum, x) => sum + x ** 2, 0)).toBeCloseTo(variance, 10);
    });
  });
});

describe("local Gaussians", () => {
  test("as layers they draw from every cluster equally, along its stick", async () => {
    const values = Float32Array.from(clusters());
    const { model, leftShare } = fitLocalGaussians(values, 3, { cuts: 2, cellRank: 1 });
    expect(leftShare).toBeLessThan(1e-6);
    const sampler = await createSeededSampler(engine, localModel(model));
    const samples = await sampler.sample(7, 0, 4000);
    await sampler.dispose();
    const counts = [0, 0, 0, 0];
    const alongs: number[] = [];
    for (let i = 0; i < 4000; i++) {
      const [x, y, z] = samples.subarray(3 * i, 3 * i + 3) as unknown as [number, number, number];
      const distances = CENTRES.map(([a, b, c]) => Math.hypot(x - a!, y - b!, z - c!));
      const nearest = distances.indexOf(Math.min(...distances));
      counts[nearest]!++;
      const [a, b, c] = CENTRES[nearest]!;
      const along = 0.6 * (x - a!) + 0.8 * (y - b!);
      alongs.push(along);
      // Nothing beside the stick: mean and direction are the cluster's, up to what 100 rows tell of them.
      expect(Math.hypot(x - a! - 0.6 * along, y - b! - 0.8 * along, z - c!)).toBeLessThan(0.01);
    }
    // Binomial, deviation 27.
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(110);
    const deviation = Math.sqrt(alongs.reduce((sum, along) => sum + along ** 2, 0) / alongs.length);
    expect(deviation).toBeGreaterThan(0.44);
    expect(deviation).toBeLessThan(0.56);
  });

  test.each([
    [40, 1],
    [95, 1],
    [96, 2],
    [800, 16],
    [200_000, 2048],
  ])("%d examples, and no number of cuts, make %d cells", async (count, cells) => {
    const data = vectors(
      Array.from({ length: 2 * count }, (_, i) => Math.sin(i)),
      2,
    );
    const { training } = await prepare(engine, data, resolveConfig("ring", { objective: "local-gaussians" }));
    expect(training.description).toBe(`local-gaussians, ${cells} of rank 2`);
    await training.dispose();
  });

  test.each([
    [5, ["objective.cuts=3"], /objective\.cuts 3 makes 8 cells, of less than two of the 5 examples.*cuts=0/],
    [
      300,
      ["objective.cuts=1"],
      /fits examples of up to 128 numbers, these have 150.*mapObjective=local-gaussians/,
    ],
  ])("data that don't fit are refused before training (%d rows)", async (count, set, message) => {
    const length = count === 300 ? 150 : 2;
    const data = vectors(
      Array.from({ length: count * length }, (_, i) => Math.sin(i)),
      length,
    );
    const config = resolveConfig("ring", { objective: "local-gaussians", set });
    await expect(prepare(engine, data, config)).rejects.toThrow(message);
  });
});
