import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createRandom } from "../shared/random.ts";
import { cholesky } from "../trainer/linear-algebra/cholesky.ts";
import { eigenvalues } from "../trainer/linear-algebra/eigen.ts";
import { product } from "../trainer/linear-algebra/product.ts";
import { frechetDistance } from "../trainer/metrics/classifier-frechet.ts";

function normals(seed: number, count: number): Float32Array<ArrayBuffer> {
  return createRandom(seed).fillNormal(new Float32Array(count));
}

/** B·Bᵀ of a random [size, rank] matrix: symmetric, of that rank, no eigenvalue negative. */
function gram(seed: number, size: number, rank: number): Float64Array<ArrayBuffer> {
  const b = normals(seed, size * rank);
  return Float64Array.from({ length: size * size }, (_, at) => {
    const [i, j] = [Math.floor(at / size), at % size];
    let sum = 0;
    for (let k = 0; k < rank; k++) sum += b[i * rank + k]! * b[j * rank + k]!;
    return sum;
  });
}

const sum = (values: Float64Array) => values.reduce((total, value) => total + value, 0);

describe("symmetric matrices", () => {
  const sizes = fc.record({
    size: fc.integer({ min: 1, max: 30 }),
    rank: fc.integer({ min: 0, max: 30 }),
    seed: fc.nat(),
  });

  test("eigenvalues are the matrix's own: as many as its rank, with its traces", () => {
    fc.assert(
      fc.property(sizes, ({ size, rank, seed }) => {
        const matrix = gram(seed, size, rank);
        const values = eigenvalues(matrix, size).sort();
        const largest = Math.max(values.at(-1)!, 1);
        const diagonal = matrix.filter((_, at) => at % (size + 1) === 0);
        expect(sum(values)).toBeCloseTo(sum(diagonal), 8);
        // The trace of the square is the sum of all numbers' squares.
        expect(sum(values.map((value) => value ** 2)) / largest ** 2).toBeCloseTo(
          sum(matrix.map((value) => value ** 2)) / largest ** 2,
          10,
        );
        const missing = values.subarray(0, Math.max(0, size - rank));
        expect(Math.max(0, ...missing.map(Math.abs)) / largest).toBeLessThan(1e-13);
      }),
    );
  });

  test("eigenvalues of second differences are 2 − 2 cos(πk/(n + 1))", () => {
    const size = 50;
    const matrix = new Float64Array(size * size);
    for (let i = 0; i < size; i++) {
      matrix[i * size + i] = 2;
      if (i > 0) matrix[i * size + i - 1] = matrix[(i - 1) * size + i] = -1;
    }
    const values = eigenvalues(matrix, size).sort();
    for (let k = 1; k <= size; k++) {
      expect(values[k - 1]).toBeCloseTo(2 - 2 * Math.cos((Math.PI * k) / (size + 1)), 13);
    }
  });

  test("a Cholesky factor is a lower triangle whose square is the matrix, whatever its rank", () => {
    fc.assert(
      fc.property(sizes, ({ size, rank, seed }) => {
        const matrix = gram(seed, size, rank);
        const lower = cholesky(matrix, size);
        const upper = Float64Array.from(lower, (_, at) => lower[(at % size) * size + Math.floor(at / size)]!);
        const square = product(lower, upper, size);
        for (let at = 0; at < matrix.length; at++) {
          expect(square[at]).toBeCloseTo(matrix[at]!, 5);
          if (at % size > Math.floor(at / size)) expect(lower[at]).toBe(0);
        }
        expect(product(upper, upper, size, { transposeA: true })).toEqual(square);
      }),
    );
  });
});

describe("a Fréchet distance", () => {
  const [count, length] = [500, 12];
  /** Correlated, and one number that never changes, as a feature that never fires. */
  const points = normals(1, count * length).map((value, at, all) =>
    at % length === 3 ? 0 : value + 0.5 * all[at - (at % length)]!,
  );

  test("of a set from itself is 0", () => {
    expect(frechetDistance(points, points.slice(), length)).toBeLessThan(1e-6);
  });

  test("of a set that is shifted by v is |v|²", () => {
    const shift = normals(2, length);
    const shifted = points.map((value, at) => value + shift[at % length]!);
    const expected = shift.reduce((total, value) => total + value ** 2, 0);
    expect(frechetDistance(points, shifted, length)).toBeCloseTo(expected, 4);
  });

  test("of a set that is s times as large, around the same mean, is (s − 1)² of its variance", () => {
    const means = Float64Array.from({ length }, (_, j) => {
      let total = 0;
      for (let at = j; at < points.length; at += length) total += points[at]!;
      return total / count;
    });
    const centred = points.map((value, at) => value - means[at % length]!);
    const variance = centred.reduce((total, value) => total + value ** 2, 0) / (count - 1);
    const scaled = centred.map((value) => 3 * value);
    expect(frechetDistance(centred, scaled, length)).toBeCloseTo(4 * variance, 3);
  });

  test("of independent numbers is that of their deviations: Σ (σ₁ − σ₂)²", () => {
    // Every sign pattern once, so that columns are uncorrelated to the last bit.
    const corners = (sigmas: readonly number[]) =>
      Float32Array.from(
        { length: 8 * 3 },
        (_, at) => ((Math.floor(at / 3) >> (at % 3)) & 1 ? 1 : -1) * sigmas[at % 3]!,
      );
    const distance = frechetDistance(corners([1, 2, 0]), corners([4, 0.5, 2]), 3);
    // Over n − 1: 8/7 of what n gives.
    expect(distance).toBeCloseTo((8 / 7) * (9 + 2.25 + 4), 5);
  });

  test("equals what SciPy's matrix root gives, and is the same from either side", () => {
    const a = normals(3, 200 * 4);
    const b = normals(4, 300 * 4).map((value, at) => value * (1 + (at % 4)) + (at % 2));
    const distance = frechetDistance(a, b, 4);
    expect(distance).toBeCloseTo(16.79772148, 5);
    expect(frechetDistance(b, a, 4)).toBeCloseTo(distance, 8);
  });
});
