import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createRandom } from "../shared/random.ts";
import type { Dataset, Rows } from "../trainer/data/dataset.ts";
import { glyphs } from "../trainer/data/glyphs.ts";
import { modelSpaceOf } from "../trainer/data/model-space.ts";
import type { Engine } from "../trainer/engine/engine.ts";
import { createEngine } from "../trainer/engine/index.ts";
import {
  type Coverage,
  coverageByClass,
  coverageOf,
  nearerShare,
  poorestFirst,
  remoteness,
} from "../trainer/report/coverage.ts";
import { coverageMap } from "../trainer/report/coverage-map.ts";
import { createProbe } from "../trainer/report/probe.ts";
import { spreadOf } from "../trainer/report/spread.ts";

let engine: Engine;
beforeAll(async () => {
  ({ engine } = await createEngine("cpu"));
});
afterAll(() => engine.dispose());

function rowsOf(values: number[], length: number): Rows {
  return { count: values.length / length, length, values: Float32Array.from(values), labels: null };
}

function planeOf(train: Rows): Dataset {
  return {
    name: "plane",
    kind: "vector",
    shape: [train.length],
    labelNames: null,
    train,
    heldOut: rowsOf([], train.length),
    test: null,
    modes: null,
  };
}

describe("a probe", () => {
  const train = rowsOf([0, 0, 10, 0, 0, 3, 10, 4], 2);

  test("tells the distance to the nearest sample and to the nearest other example", async () => {
    const probe = createProbe(engine, planeOf(train), 1, { examples: 10, samples: 10 });
    expect(Array.from(probe.rows).sort()).toEqual([0, 1, 2, 3]);
    // As many as there are other examples.
    expect(probe.sampleCount).toBe(3);
    const samples = Float32Array.of(0, 1, 10, 2, 50, 50);
    const { distances, indices } = await probe.nearest(samples);
    const real = await probe.nearestReal();
    const byRow = new Map(Array.from(probe.rows, (row, i) => [row, [distances[i], indices[i], real![i]]]));
    expect(Object.fromEntries(byRow)).toEqual({
      0: [1, 0, 3],
      1: [2, 1, 4],
      2: [2, 0, 3],
      3: [2, 1, 4],
    });
  });

  test("of a lone example has samples, and nothing real to compare with", async () => {
    const probe = createProbe(engine, planeOf(rowsOf([1, 1], 2)), 1, { examples: 10, samples: 2 });
    expect(probe.sampleCount).toBe(2);
    expect((await probe.nearest(Float32Array.of(1, 4, 1, 3))).distances).toEqual(Float64Array.of(2));
    expect(await probe.nearestReal()).toBeNull();
  });

  test("looks at the same examples of a seed, at others of another", () => {
    const data = planeOf(
      rowsOf(
        Array.from({ length: 200 }, (_, i) => i),
        1,
      ),
    );
    const rowsFor = (seed: number) => createProbe(engine, data, seed, { examples: 20, samples: 50 }).rows;
    expect(rowsFor(1)).toEqual(rowsFor(1));
    expect(rowsFor(1)).not.toEqual(rowsFor(2));
    expect(new Set(rowsFor(1)).size).toBe(20);
  });
});

describe("coverage", () => {
  /** Half as far as, as far as and twice as far as a real example; the last is a copy of another example. */
  const coverage: Coverage = {
    rows: Uint32Array.of(7, 3, 5, 1),
    sampleCount: 9,
    distances: Float64Array.of(1, 2, 4, 3),
    nearest: Int32Array.of(0, 1, 2, 3),
    realDistances: Float64Array.of(2, 2, 2, 0),
  };

  test("ranks examples by how much farther their nearest sample is than a real example", () => {
    expect(Array.from(remoteness(coverage))).toEqual([0.5, 1, 2, Number.NaN]);
    expect(poorestFirst(coverage)).toEqual([2, 1, 0]);
    expect(nearerShare(coverage)).toBe((1 + 0.5) / 4);
    const alone = { ...coverage, realDistances: null };
    expect(poorestFirst(alone)).toEqual([2, 3, 1, 0]);
    expect(nearerShare(alone)).toBeNull();
  });

  test("of fresh real data in the place of samples is as that of a perfect generator: half are nearer", async () => {
    const random = createRandom(5);
    const draw = (count: number) => Array.from({ length: 2 * count }, () => random.normal());
    const data = planeOf(rowsOf(draw(4000), 2));
    const found = await coverageOf(engine, data, 1, Float32Array.from(draw(10_000)));
    expect(found.sampleCount).toBe(3999);
    // 1,000 pairs: a standard deviation is 0.016.
    expect(Math.abs(nearerShare(found)! - 0.5)).toBeLessThan(0.064);
    // A generator that makes half of the plane only misses the rest.
    const half = Float32Array.from(draw(10_000), (value, i) => (i % 2 === 0 ? Math.abs(value) : value));
    const missed = await coverageOf(engine, data, 1, half);
    const isMissed = (i: number) => data.train.values[2 * missed.rows[i]!]! < 0;
    expect(poorestFirst(missed).slice(0, 200).filter(isMissed).length).toBeGreaterThan(190);
  });

  test("is told by class, and drawn as a map that is tinted where it is poor", async () => {
    const images = glyphs.create(1, { train: 300, heldOut: 40, test: 40 });
    const all = modelSpaceOf(images).outputUnits(images.train);
    // A generator that knows everything but the class 3.
    const known = Array.from(images.train.labels!.keys()).filter((i) => images.train.labels![i] !== 3);
    const samples = Float32Array.from({ length: 299 * 784 }, (_, at) => {
      const row = known[Math.floor(at / 784) % known.length]!;
      return all[row * 784 + (at % 784)]!;
    });
    const found = await coverageOf(engine, images, 1, samples);
    const classes = coverageByClass(images, found);
    expect(classes.map(({ label }) => label)).toEqual(images.labelNames);
    expect(classes.reduce((sum, { count }) => sum + count, 0)).toBe(300);
    for (const { label, nearerShare: share } of classes) {
      if (label === "3") expect(share).toBeLessThan(0.5);
      else expect(share).toBe(1);
    }
    const map = await coverageMap(engine, images, found.rows, remoteness(found));
    const side = 17 * 28 + 16 * 2;
    expect([map.width, map.height, map.channels]).toEqual([side, side, 3]);
    /** A tile is tinted where its red is more than its blue. */
    let tinted = 0;
    for (let tile = 0; tile < 17 * 17; tile++) {
      const at = ((Math.floor(tile / 17) * 30 * side + (tile % 17) * 30) * 3) | 0;
      if (map.data[at]! > map.data[at + 2]!) tinted++;
    }
    const poor = Array.from(remoteness(found)).filter((ratio) => ratio > 1.05).length;
    expect(poor).toBeGreaterThan(10);
    expect(Math.abs(tinted - poor)).toBeLessThan(12); // the map leaves out 11 of the 300
  });
});

test("a spread is that of NumPy's quantiles", () => {
  const spread = spreadOf(Float64Array.of(5, 1, 2, 3, 4));
  expect(spread).toEqual({ mean: 3, p5: 1.2, p25: 2, p50: 3, p75: 4, p95: 4.8 });
});
