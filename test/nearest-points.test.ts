import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { createRandom } from "../shared/random.ts";
import { kMeans } from "../trainer/clustering/k-means.ts";
import { createEngine } from "../trainer/engine/index.ts";
import { nearestPoints } from "../trainer/search/nearest-points.ts";
import { pointsInMemory } from "../trainer/search/searcher.ts";

const { engine } = await createEngine("cpu");
afterAll(() => engine.dispose());

function normals(seed: number, count: number): Float32Array<ArrayBuffer> {
  return createRandom(seed).fillNormal(new Float32Array(count));
}

function distanceBetween(a: Float32Array, i: number, b: Float32Array, j: number, length: number): number {
  let squared = 0;
  for (let at = 0; at < length; at++) squared += (a[i * length + at]! - b[j * length + at]!) ** 2;
  return Math.sqrt(squared);
}

describe("the nearest points", () => {
  test("are those of the definition, oneself left out where asked", async () => {
    const sizes = fc.record({
      pointCount: fc.integer({ min: 2, max: 60 }),
      length: fc.constantFrom(1, 2, 17, 40, 300),
      excluding: fc.boolean(),
      seed: fc.nat(),
    });
    await fc.assert(
      fc.asyncProperty(sizes, async ({ pointCount, length, excluding, seed }) => {
        const points = normals(seed, pointCount * length);
        const queries = normals(seed + 1, 9 * length);
        const self = Array.from({ length: 9 }, (_, i) => i % pointCount);
        const source = pointsInMemory(points, length);
        const found = await nearestPoints(engine, queries, source, length, excluding ? self : undefined);
        for (let i = 0; i < 9; i++) {
          const others = Array.from({ length: pointCount }, (_, m) => m).filter(
            (m) => !excluding || m !== self[i],
          );
          const nearest = Math.min(...others.map((m) => distanceBetween(queries, i, points, m, length)));
          expect(found.distances[i]).toBeCloseTo(nearest, 5);
          expect(found.distances[i]).toBe(distanceBetween(queries, i, points, found.indices[i]!, length));
          expect(others).toContain(found.indices[i]);
        }
      }),
      { numRuns: 50 },
    );
  });

  test("are the same over several tiles as over one: 5,000 numbers a point, 2,000 points", async () => {
    const block = normals(1, 200 * 5000);
    const points = new Float32Array(2000 * 5000);
    for (let i = 0; i < 10; i++) {
      const scale = 1 + i / 10;
      points.set(
        block.map((value) => scale * value),
        i * block.length,
      );
    }
    const queries = points.slice(1990 * 5000);
    const source = pointsInMemory(points, 5000);
    const found = await nearestPoints(engine, queries, source, 5000);
    expect([...found.indices]).toEqual(Array.from({ length: 10 }, (_, i) => 1990 + i));
    expect([...found.distances]).toEqual(new Array(10).fill(0));
    const others = await nearestPoints(engine, queries, source, 5000, found.indices);
    for (let i = 0; i < 10; i++) {
      expect(others.indices[i]).not.toBe(1990 + i);
      expect(others.distances[i]).toBeGreaterThan(1);
    }
  });
});

describe("k-means", () => {
  test("finds clusters that lie apart, every one a centre", async () => {
    const points = normals(1, 400 * 3).map((value, at) => 0.1 * value + 10 * (Math.floor(at / 3) % 4));
    const centres = await kMeans(engine, points, 3, 4, createRandom(2));
    const firsts = Array.from({ length: 4 }, (_, i) => centres[3 * i]!).sort((a, b) => a - b);
    for (const [i, first] of firsts.entries()) expect(Math.abs(first - 10 * i)).toBeLessThan(0.05);
  });

  test("ends where every centre is the mean of what is nearest to it", async () => {
    const points = normals(3, 300 * 2);
    const centres = await kMeans(engine, points, 2, 5, createRandom(4));
    const { indices } = await nearestPoints(engine, points, pointsInMemory(centres, 2), 2);
    for (let cell = 0; cell < 5; cell++) {
      const own = Array.from({ length: 300 }, (_, i) => i).filter((i) => indices[i] === cell);
      for (let j = 0; j < 2; j++) {
        const mean = own.reduce((sum, i) => sum + points[2 * i + j]!, 0) / own.length;
        expect(centres[2 * cell + j]).toBeCloseTo(mean, 5);
      }
    }
  });

  test("takes points that are all the same", async () => {
    const centres = await kMeans(engine, new Float32Array(20).fill(3), 2, 4, createRandom(1));
    expect([...centres]).toEqual(new Array(8).fill(3));
  });
});
