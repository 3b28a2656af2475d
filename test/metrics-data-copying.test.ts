import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { createRandom } from "../shared/random.ts";
import { glyphs } from "../trainer/data/glyphs.ts";
import { modelSpaceOf } from "../trainer/data/model-space.ts";
import { ring } from "../trainer/data/ring.ts";
import { createEngine } from "../trainer/engine/index.ts";
import { cellwiseScore, dataCopying, mannWhitney } from "../trainer/metrics/data-copying.ts";
import { evaluationContext } from "./evaluation-context.ts";

const { engine } = await createEngine("cpu");
afterAll(() => engine.dispose());

describe.each([glyphs, ring])("data copying on $name", async (source) => {
  const dataset = source.create(5, { train: 1000, heldOut: 1000, test: 1000 });
  const { outputUnits } = modelSpaceOf(dataset);
  const measure = async (samples: Float32Array<ArrayBuffer>) => {
    const figures = await dataCopying.evaluate(evaluationContext(engine, dataset, { samples }));
    return { score: figures["dataCopying"]!, authenticity: figures["authenticity"]! };
  };
  const fresh = await measure(outputUnits(dataset.heldOut));

  test("training examples themselves: far below 0, and none authentic", async () => {
    const { score, authenticity } = await measure(outputUnits(dataset.train));
    expect(score).toBeLessThan(-10);
    expect(authenticity).toBe(0);
  });

  test("fresh examples: about 0, and about half of them authentic", () => {
    expect(Math.abs(fresh.score)).toBeLessThan(3);
    // Far from its nearest training example as often as that one is from the rest, up to a lack of symmetry.
    expect(Math.abs(fresh.authenticity - 0.5)).toBeLessThan(0.15);
  });

  test("samples that are too far away: far above 0, and nearly all authentic", async () => {
    const away = outputUnits(dataset.heldOut);
    const noise = createRandom(1).fillNormal(new Float32Array(away.length));
    const { score, authenticity } = await measure(away.map((value, i) => value + 0.3 * noise[i]!));
    expect(score).toBeGreaterThan(10);
    expect(authenticity).toBeGreaterThan(0.9);
  });
});

test("authenticity is that of its definition, whichever part of the training examples a neighbour lies in", async () => {
  const dataset = ring.create(3, { train: 20_000, heldOut: 10, test: 50 });
  const samples = modelSpaceOf(dataset).outputUnits(ring.create(4, { train: 60, heldOut: 1, test: 1 }).train);
  const train = dataset.train.values;
  const distance = (a: ArrayLike<number>, i: number, j: number) =>
    Math.hypot(a[2 * i]! - train[2 * j]!, a[2 * i + 1]! - train[2 * j + 1]!);
  const others = (row: number) => Array.from({ length: 20_000 }, (_, j) => j).filter((j) => j !== row);
  const nearestOf = (a: ArrayLike<number>, i: number, rows: readonly number[]) =>
    rows.reduce((nearest, j) => (distance(a, i, j) < distance(a, i, nearest) ? j : nearest));
  const isAuthentic = Array.from({ length: 60 }, (_, i) => {
    const neighbour = nearestOf(samples, i, others(-1));
    const sibling = nearestOf(train, neighbour, others(neighbour));
    return distance(samples, i, neighbour) > distance(train, neighbour, sibling);
  });
  const figures = await dataCopying.evaluate(evaluationContext(engine, dataset, { samples }));
  expect(figures["authenticity"]).toBe(isAuthentic.filter(Boolean).length / 60);
});

describe("C_T", () => {
  const uniform = (seed: number, count: number, low: number, high: number) => {
    const random = createRandom(seed);
    return Float64Array.from({ length: count }, () => low + (high - low) * random.uniform());
  };

  test("is the cells' scores, averaged by the share of real examples; a cell of fewer than 20 samples is left out", () => {
    const sizes = [
      { samples: 40, real: 30, high: 0.5 },
      { samples: 20, real: 90, high: 2 },
      { samples: 19, real: 50, high: 0.1 },
    ];
    const samples = sizes.map(({ samples, high }, cell) => uniform(cell, samples, 0, high));
    const real = sizes.map(({ real }, cell) => uniform(10 + cell, real, 0, 1));
    const joined = (parts: readonly Float64Array[]) => ({
      distances: Float64Array.from(parts.flatMap((part) => [...part])),
      cells: parts.flatMap((part, cell) => new Array<number>(part.length).fill(cell)),
    });
    const scores = [0, 1].map((cell) => mannWhitney(samples[cell]!, real[cell]!));
    expect(cellwiseScore(joined(samples), joined(real))).toBeCloseTo(
      (30 * scores[0]! + 90 * scores[1]!) / 120,
      10,
    );
  });

  test("sees a cell that is copied, where the other is missed and one cell sees nothing", () => {
    const samples = { distances: new Float64Array(200), cells: new Array<number>(200).fill(0) };
    samples.distances.set(uniform(1, 100, 0, 0.01));
    samples.distances.set(uniform(2, 100, 9, 10), 100);
    samples.cells.fill(1, 100);
    const real = { distances: uniform(3, 200, 1, 2), cells: new Array<number>(200).fill(0).fill(1, 190) };
    expect(Math.abs(mannWhitney(samples.distances, real.distances))).toBeLessThan(1);
    expect(cellwiseScore(samples, real)).toBeLessThan(-10);
  });

  test("takes the whole space for one cell where none has enough samples", () => {
    const few = { distances: uniform(1, 10, 0, 1), cells: new Array<number>(10).fill(0) };
    const real = { distances: uniform(2, 50, 0, 1), cells: new Array<number>(50).fill(1) };
    expect(cellwiseScore(few, real)).toBe(mannWhitney(few.distances, real.distances));
  });
});

test("the Mann-Whitney score is that of its definition, with the authors' correction", () => {
  const values = fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(values, values, (a, b) => {
      let above = 0;
      for (const x of a) for (const y of b) above += x > y ? 1 : x === y ? 0.5 : 0;
      const deviation = Math.sqrt((a.length * b.length * (a.length + b.length + 1)) / 12);
      const score = mannWhitney(Float64Array.from(a), Float64Array.from(b));
      expect(score).toBeCloseTo((above - ((a.length * b.length) / 2 - 0.5)) / deviation, 9);
    }),
  );
});
