import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { createRandom } from "../shared/random.ts";
import type { Engine } from "../trainer/engine/engine.ts";
import { createEngine } from "../trainer/engine/index.ts";
import { distanceBlocks } from "../trainer/search/distance-blocks.ts";

const { engine } = await createEngine("cpu");
afterAll(() => engine.dispose());

function normals(seed: number, count: number): Float32Array<ArrayBuffer> {
  return createRandom(seed).fillNormal(new Float32Array(count));
}

async function allDistances(
  queries: Float32Array<ArrayBuffer>,
  points: Float32Array<ArrayBuffer>,
  length: number,
): Promise<Float32Array> {
  const pointCount = points.length / length;
  const all = new Float32Array((queries.length / length) * pointCount);
  for await (const { first, squared } of distanceBlocks(engine, queries, points, length)) {
    all.set(squared, first * pointCount);
  }
  return all;
}

function directly(queries: Float32Array, points: Float32Array, length: number): number[] {
  const distances: number[] = [];
  for (let q = 0; q < queries.length; q += length) {
    for (let p = 0; p < points.length; p += length) {
      let squared = 0;
      for (let j = 0; j < length; j++) squared += (queries[q + j]! - points[p + j]!) ** 2;
      distances.push(squared);
    }
  }
  return distances;
}

describe("squared distances", () => {
  test("equal the definition, for short and long points", async () => {
    const sizes = fc.record({
      queryCount: fc.integer({ min: 1, max: 20 }),
      pointCount: fc.integer({ min: 1, max: 20 }),
      length: fc.integer({ min: 1, max: 40 }),
      seed: fc.nat(),
    });
    await fc.assert(
      fc.asyncProperty(sizes, async ({ queryCount, pointCount, length, seed }) => {
        const queries = normals(seed, queryCount * length);
        const points = normals(seed + 1, pointCount * length);
        const expected = directly(queries, points, length);
        const found = await allDistances(queries, points, length);
        expect(found.length).toBe(expected.length);
        found.forEach((value, i) => {
          expect(Math.abs(value - expected[i]!)).toBeLessThan(1e-5 * (length + expected[i]!));
        });
      }),
      { numRuns: 50 },
    );
  });

  test("are never negative, and 0 from a point to itself where points are short", async () => {
    const short = normals(1, 50 * 2).map((value) => value + 100);
    const found = await allDistances(short, short, 2);
    for (let i = 0; i < 50; i++) expect(found[i * 50 + i]).toBe(0);
    const long = normals(1, 50 * 30);
    expect(Math.min(...(await allDistances(long, long, 30)))).toBeGreaterThanOrEqual(0);
  });

  test("do not suffer from data far from the origin", async () => {
    const length = 30;
    const offset = 4096; // float32 keeps 2^-12 of it
    const grid = (seed: number) =>
      normals(seed, 10 * length).map((value) => offset + Math.round(value * 1024) / 1024);
    const [queries, points] = [grid(1), grid(2)];
    const expected = directly(queries, points, length);
    (await allDistances(queries, points, length)).forEach((value, i) => {
      expect(Math.abs(value / expected[i]! - 1)).toBeLessThan(1e-5);
    });
  });

  test("come block by block, every query once, when they are many", async () => {
    const points = normals(3, 9000);
    const queries = normals(4, 1000);
    let next = 0;
    let blocks = 0;
    for await (const { first, count, squared } of distanceBlocks(engine, queries, points, 1)) {
      expect(first).toBe(next);
      expect(squared.length).toBe(count * 9000);
      expect(squared.byteLength).toBeLessThanOrEqual(2 ** 24);
      expect(squared[0]).toBe(Math.fround(Math.fround(queries[first]! - points[0]!) ** 2));
      next += count;
      blocks++;
    }
    expect(next).toBe(1000);
    expect(blocks).toBeGreaterThan(2);
  });
});

test("what was compiled is disposed of, even if the caller stops early", async () => {
  let open = 0;
  const counting: Engine = {
    ...engine,
    async compile(...given) {
      const program = await engine.compile(...given);
      open++;
      return {
        ...program,
        async dispose() {
          open--;
          await program.dispose();
        },
      };
    },
  };
  const points = normals(5, 9000);
  for await (const _ of distanceBlocks(counting, points, points, 1)) expect(open).toBe(1);
  expect(open).toBe(0);
  for await (const _ of distanceBlocks(counting, points, points, 1)) break;
  expect(open).toBe(0);
});
