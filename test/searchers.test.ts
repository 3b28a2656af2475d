import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createRandom } from "../shared/random.ts";
import type { Distance } from "../trainer/distances/distance.ts";
import { plainL1 } from "../trainer/distances/l1.ts";
import { l2Of } from "../trainer/distances/squared-l2.ts";
import { weightedSum } from "../trainer/distances/weighted-sum.ts";
import type { Engine } from "../trainer/engine/engine.ts";
import { createEngine } from "../trainer/engine/index.ts";
import { SEARCHERS } from "../trainer/search/index.ts";
import { withMeasuredRecall } from "../trainer/search/recall.ts";
import { type PointSource, pointsInMemory, type Searcher } from "../trainer/search/searcher.ts";

type Numbers = Float32Array<ArrayBuffer>;

/** What is searched by: distances of rows of so many numbers. */
const SEARCHED: Readonly<Record<string, (length: number) => Distance>> = {
  l2: l2Of,
  l1: () => plainL1,
  "2*l2+0.5*l1": (length) =>
    weightedSum([
      { distance: l2Of(length), weight: 2 },
      { distance: plainL1, weight: 0.5 },
    ]),
};

/** The same in plain float64. */
const REFERENCE: Readonly<Record<string, (a: Numbers, b: Numbers) => number>> = {
  l2: (a, b) => a.reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0),
  l1: (a, b) => a.reduce((sum, value, i) => sum + Math.abs(value - b[i]!), 0),
  "2*l2+0.5*l1": (a, b) => 2 * REFERENCE["l2"]!(a, b) + 0.5 * REFERENCE["l1"]!(a, b),
};

const MIB = 2 ** 20;

setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");

let engine: Engine;
beforeAll(async () => {
  ({ engine } = await createEngine("auto"));
});
afterAll(() => engine.dispose());

function normals(seed: number, count: number, length: number): Numbers {
  return createRandom(seed).fillNormal(new Float32Array(count * length));
}

/** Whole numbers, few of them: float32 computes their distances exactly, and many are equal. */
function integers(seed: number, count: number, length: number, levels = 3): Numbers {
  const random = createRandom(seed);
  return Float32Array.from({ length: count * length }, () => random.below(levels));
}

function row(values: Numbers, index: number, length: number): Numbers {
  return values.subarray(index * length, (index + 1) * length);
}

/** The first of the nearest points of every query, and its distance, in float64. */
function bruteForce(distance: string, queries: Numbers, points: Numbers, length: number) {
  const indices: number[] = [];
  const best: number[] = [];
  for (let i = 0; i < queries.length / length; i++) {
    indices[i] = 0;
    best[i] = Number.POSITIVE_INFINITY;
    for (let j = 0; j < points.length / length; j++) {
      const found = REFERENCE[distance]!(row(queries, i, length), row(points, j, length));
      if (found < best[i]!) [best[i], indices[i]] = [found, j];
    }
  }
  return { indices, best };
}

const pairs = Object.values(SEARCHERS).flatMap((searcher) =>
  Object.keys(SEARCHED)
    .filter((distance) => searcher.distances === "any" || searcher.distances.includes(distance))
    .map((distance) => [searcher.name, distance, searcher] as const),
);

test("every searcher goes by its name and searches by a distance that is tested here", () => {
  for (const [name, searcher] of Object.entries(SEARCHERS)) {
    expect(searcher.name).toBe(name);
    expect(pairs.map(([tested]) => tested)).toContain(name);
    if (searcher.distances !== "any")
      for (const each of searcher.distances) expect(SEARCHED).toHaveProperty(each);
  }
});

describe.each(pairs)("searcher %s by %s", (_name, distanceName, searcher) => {
  const distanceOf = SEARCHED[distanceName]!;

  async function search(queries: Numbers, points: Numbers, length: number, memoryBytes = 64 * MIB) {
    const prepared = searcher.prepare(engine, { distance: distanceOf(length), length, memoryBytes });
    const { indices } = await prepared.nearest(queries, pointsInMemory(points, length));
    await prepared.dispose();
    return indices;
  }

  test("asks for every point once, in ascending runs", async () => {
    for (const [count, memoryBytes] of [
      [1, MIB],
      [5_000, 64 * MIB],
      [333, 1],
    ] as const) {
      const points = normals(3, count, 4);
      let next = 0;
      const recorded: PointSource = {
        count,
        async tile(first, rows) {
          expect(first).toBe(next);
          expect(rows).toBeGreaterThan(0);
          next += rows;
          // Valid until the next call, as the contract says, and not after.
          return row(points, 0, 4 * count).slice(first * 4, (first + rows) * 4);
        },
      };
      const prepared = searcher.prepare(engine, { distance: distanceOf(4), length: 4, memoryBytes });
      await prepared.nearest(normals(4, 20, 4), recorded);
      await prepared.dispose();
      expect(next).toBe(count);
    }
  });

  test("uses tiles no longer than they are valid", async () => {
    const length = 4;
    const points = normals(5, 3_000, length);
    const shared = new Float32Array(points.length);
    const prepared = searcher.prepare(engine, { distance: distanceOf(length), length, memoryBytes: 1 });
    const queries = normals(6, 40, length);
    const { indices } = await prepared.nearest(queries, {
      count: 3_000,
      async tile(first, rows) {
        shared.set(row(points, 0, points.length).subarray(first * length, (first + rows) * length));
        return shared.subarray(0, rows * length);
      },
    });
    await prepared.dispose();
    expect(indices).toEqual(await search(queries, points, length));
  });

  test("one point is everybody's nearest; no queries have none", async () => {
    expect(Array.from(await search(normals(1, 3, 5), normals(2, 1, 5), 5))).toEqual([0, 0, 0]);
    expect((await search(new Float32Array(0), normals(2, 3, 5), 5)).length).toBe(0);
  });

  test("a point finds itself", async () => {
    const points = normals(7, 500, 20);
    const found = await search(points, points, 20);
    expect(Array.from(found)).toEqual(Array.from({ length: 500 }, (_, i) => i));
  });

  test("an answer is always one of the points, copies among them or not", async () => {
    // Rows of a length that vectors don't divide: sums over equal rows may then differ in their last bits.
    for (const length of [1, 5, 7, 33]) {
      for (const count of [2, 3, 17]) {
        for (let seed = 0; seed < 5; seed++) {
          const point = normals(seed, 1, length);
          const copies = Float32Array.from({ length: count * length }, (_, i) => point[i % length]!);
          const found = await search(normals(9, 40, length), copies, length);
          expect(found.every((index) => index >= 0 && index < count)).toBe(true);
        }
      }
    }
  });

  test("prepared once, it searches whatever comes", async () => {
    const length = 6;
    const prepared = searcher.prepare(engine, { distance: distanceOf(length), length, memoryBytes: MIB });
    for (const [seed, queryCount, pointCount] of [
      [1, 10, 50],
      [2, 33, 700],
      [3, 1, 3],
      [1, 10, 50],
    ] as const) {
      const queries = normals(seed, queryCount, length);
      const points = normals(seed + 10, pointCount, length);
      const { indices } = await prepared.nearest(queries, pointsInMemory(points, length));
      expect(indices).toEqual(await search(queries, points, length));
    }
    await prepared.dispose();
  });

  test("holds no more of a large pool than it is allowed to", async () => {
    const [count, length, memoryBytes] = [8_000, 784, 8 * MIB];
    // Enough for a lower bound to be worth it; a graph and a tree of wide points take their time, and so does l1.
    const queryCount = ["hnsw", "tree"].includes(searcher.name) || distanceName !== "l2" ? 10 : 2_100;
    // Along few directions, so that a lower bound rules most points out.
    const flat = (seed: number, rows: number) => {
      const along = normals(seed, rows, 4);
      const directions = normals(20, 4, length);
      return Float32Array.from({ length: rows * length }, (_, i) => {
        const [row, column] = [Math.floor(i / length), i % length];
        let value = 0;
        for (let k = 0; k < 4; k++) value += along[4 * row + k]! * directions[k * length + column]!;
        return value;
      });
    };
    const some = flat(21, 2_200);
    const residentBytes: number[] = [];
    const prepared = searcher.prepare(engine, { distance: distanceOf(length), length, memoryBytes });
    await prepared.nearest(flat(22, queryCount), {
      count,
      async tile(first, rows) {
        expect(4 * rows * length).toBeLessThanOrEqual(memoryBytes);
        collectGarbage();
        residentBytes.push(process.memoryUsage.rss());
        return some.subarray((first % 100) * length, ((first % 100) + rows) * length);
      },
    });
    residentBytes.push(process.memoryUsage.rss());
    await prepared.dispose();
    // The last three quarters of the pool would take 18 MiB.
    const quarter = Math.ceil(residentBytes.length / 4);
    const growth = Math.max(...residentBytes.slice(quarter)) - Math.max(...residentBytes.slice(0, quarter));
    expect(growth).toBeLessThan(memoryBytes);
  });

  test("finds at least 95 % of the nearest points in clustered data", async () => {
    const [count, queryCount, length] = [3_000, 200, 24];
    const centres = normals(10, 30, length);
    const clustered = (seed: number, rows: number) => {
      const random = createRandom(seed);
      const values = random.fillNormal(new Float32Array(rows * length));
      for (let i = 0; i < rows; i++) {
        const centre = row(centres, random.below(30), length);
        for (let j = 0; j < length; j++) values[i * length + j] = centre[j]! + 0.2 * values[i * length + j]!;
      }
      return values;
    };
    const queries = clustered(11, queryCount);
    const points = clustered(12, count);
    const found = await search(queries, points, length);
    const { indices } = bruteForce(distanceName, queries, points, length);
    const hits = indices.filter((index, i) => index === found[i]).length;
    expect(hits / queryCount).toBeGreaterThanOrEqual(searcher.exact ? 1 : 0.95);
  });

  test("tells its recall, if it only approximates", async () => {
    const prepared = searcher.prepare(engine, { distance: distanceOf(8), length: 8, memoryBytes: MIB });
    const points = normals(17, 400, 8);
    const { recall } = await prepared.nearest(points, pointsInMemory(points, 8));
    await prepared.dispose();
    expect(recall).toBe(searcher.exact ? undefined : 1);
  });

  describe.skipIf(!searcher.exact)("is exact (skipped where it only approximates)", () => {
    const sizes = fc.record({
      length: fc.integer({ min: 1, max: 40 }),
      pointCount: fc.integer({ min: 1, max: 150 }),
      queryCount: fc.integer({ min: 1, max: 40 }),
      memoryBytes: fc.constantFrom(1, 20_000, 64 * MIB),
      seed: fc.nat(),
    });

    test("equals brute force on whole numbers, ties to the lower point", async () => {
      await fc.assert(
        fc.asyncProperty(sizes, async ({ length, pointCount, queryCount, memoryBytes, seed }) => {
          const queries = integers(seed, queryCount, length);
          const points = integers(seed + 1, pointCount, length);
          const { indices } = bruteForce(distanceName, queries, points, length);
          expect(Array.from(await search(queries, points, length, memoryBytes))).toEqual(indices);
        }),
        { numRuns: 40 },
      );
    });

    test.each([
      ["planes, many tiles", 2, 5_000, 300, 64 * MIB],
      ["images, a tile and a bit", 784, 2_049, 30, 64 * MIB],
      ["images, a block and a bit", 784, 20, 1_025, 64 * MIB],
      ["images, hardly any memory", 784, 100, 30, 1],
    ])(
      "equals brute force up to float32's rounding: %s",
      async (_, length, count, queryCount, memoryBytes) => {
        const queries = normals(13, queryCount, length);
        const points = normals(14, count, length);
        const found = await search(queries, points, length, memoryBytes);
        const { best } = bruteForce(distanceName, queries, points, length);
        for (let i = 0; i < queryCount; i++) {
          const reached = REFERENCE[distanceName]!(row(queries, i, length), row(points, found[i]!, length));
          // Rounding grows with the norms that cancel, which are about 2·length.
          expect(reached - best[i]!).toBeLessThan(1e-6 * (2 * length + best[i]!));
        }
      },
    );

    test("how much memory it may use doesn't change the answer", async () => {
      const [length, count, queryCount] = [3, 4_100, 1_100];
      const queries = integers(15, queryCount, length, 40);
      const points = integers(16, count, length, 40);
      const answers = [];
      for (const memoryBytes of [1, 100_000, MIB, 256 * MIB]) {
        answers.push(await search(queries, points, length, memoryBytes));
      }
      for (const answer of answers) expect(answer).toEqual(answers[0]);
      expect(Array.from(answers[0]!)).toEqual(bruteForce(distanceName, queries, points, length).indices);
    });
  });
});

test.each([
  [10, 0.5],
  [1_000, 0.5],
])(
  "recall is the share of sampled queries that find their nearest point: %d queries",
  async (count, share) => {
    const length = 4;
    const points = normals(18, count, length);
    /** Right for the first half of the queries. */
    const halfRight: Searcher = {
      name: "half-right",
      distances: ["l2"],
      exact: false,
      prepare: () => ({
        async nearest(queries, points) {
          await points.tile(0, points.count);
          const queryCount = queries.length / length;
          return { indices: Int32Array.from({ length: queryCount }, (_, i) => (i < queryCount / 2 ? i : 0)) };
        },
        async dispose() {},
      }),
    };
    const options = { distance: l2Of(length), length, memoryBytes: MIB };
    const search = withMeasuredRecall(halfRight).prepare(engine, options);
    const { recall } = await search.nearest(points, pointsInMemory(points, length));
    await search.dispose();
    expect(recall).toBe(share);
  },
);
