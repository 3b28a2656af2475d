/**
 * One iteration of expectation maximisation over all rows: how likely each component is to have made a row, and the
 * components that are the likeliest given that. Moments are taken where a component is round and centred, so that
 * narrow ones far from 0 lose no digits.
 *
 * Source: Dempster, Laird, Rubin 1977, "Maximum Likelihood from Incomplete Data via the EM Algorithm".
 */

import {
  add,
  divide,
  exp,
  log,
  matmul,
  multiply,
  negate,
  reduceMin,
  reshape,
  slice,
  square,
  subtract,
  sum,
} from "../../autodiff/operators.ts";
import { input, type Tensor } from "../../autodiff/tensor.ts";
import type { Engine, Executable } from "../../engine/engine.ts";
import { cholesky, inverseOfLower } from "../../linear-algebra/cholesky.ts";
import type { Mixture } from "./mixture.ts";

const TILE_ROWS = 512;
/** Added to every variance in model space, so that a component on equal rows keeps an extent. */
const LEAST_VARIANCE = 1e-6;

export interface Maximisation {
  /** The better mixture, and the mean log-likelihood of a row under the one before, in nats. */
  iterate(mixture: Mixture): Promise<{ readonly mixture: Mixture; readonly logLikelihood: number }>;
  dispose(): Promise<void>;
}

/** @param rows gives rows first … first + count − 1 of `count`, [count, length] */
export function createMaximisation(
  engine: Engine,
  rows: { readonly count: number; readonly length: number; of(first: number, count: number): Float32Array },
  components: number,
): Maximisation {
  const { count, length } = rows;
  let compiled: Promise<Executable> | undefined;
  return {
    async iterate(mixture) {
      const { run } = await (compiled ??= engine.compile(tileProgram(length, components)));
      const fed = whitening(mixture, length);
      const mass = new Float64Array(components);
      const first = new Float64Array(components * length);
      const second = new Float64Array(components * length * length);
      let logLikelihood = 0;
      for (let start = 0; start < count; start += TILE_ROWS) {
        const rowCount = Math.min(TILE_ROWS, count - start);
        const tile = new Float32Array(TILE_ROWS * length);
        tile.set(rows.of(start, rowCount));
        const counted = new Float32Array(TILE_ROWS).fill(1, 0, rowCount);
        const found = await run({ ...fed, rows: tile, counted });
        addTo(mass, found["mass"]!);
        addTo(first, found["first"]!);
        for (let k = 0; k < components; k++) {
          addTo(second.subarray(k * length * length, (k + 1) * length * length), found[`second${k}`]!);
        }
        logLikelihood += found["logLikelihood"]![0]! / count;
      }
      return { mixture: maximised(mixture, { mass, first, second }, count), logLikelihood };
    },
    async dispose() {
      await (await compiled)?.dispose();
    },
  };
}

/** What a tile of rows adds to every component: its mass, and the moments of the rows as the component sees them. */
function tileProgram(length: number, components: number): Record<string, Tensor> {
  const rows = input("rows", [TILE_ROWS, length]);
  const counted = input("counted", [TILE_ROWS, 1]);
  const width = components * length;
  const white = matmul(rows, input("whitening", [length, width]), { bias: input("centres", [width]) });
  const distances = sum(square(reshape(white, [TILE_ROWS, components, length])), [2]);
  const logs = subtract(input("logWeights", [components]), multiply(distances, 0.5));
  const largest = reshape(negate(reduceMin(negate(logs), 1)), [TILE_ROWS, 1]);
  const sizes = exp(subtract(logs, largest));
  const all = sum(sizes, [1], { keepDims: true });
  const shares = multiply(divide(sizes, all), counted);
  const seconds = Array.from({ length: components }, (_, k) => {
    const own = slice(white, 1, k * length, length);
    const weighted = multiply(own, slice(shares, 1, k, 1));
    return [`second${k}`, matmul(weighted, own, { transposeA: true })] as const;
  });
  const weighted = multiply(
    reshape(white, [TILE_ROWS, components, length]),
    reshape(shares, [TILE_ROWS, components, 1]),
  );
  return {
    logLikelihood: sum(multiply(add(log(all), largest), counted)),
    mass: sum(shares, [0]),
    first: sum(weighted, [0]),
    ...Object.fromEntries(seconds),
  };
}

/** What makes a component round and centred: x ↦ L⁻¹(x − mean), side by side for all of them. */
function whitening({ weights, means, factors }: Mixture, length: number) {
  const components = weights.length;
  const matrix = new Float32Array(length * components * length);
  const centres = new Float32Array(components * length);
  const logWeights = new Float32Array(components);
  for (let k = 0; k < components; k++) {
    const factor = Float64Array.from(factors.subarray(k * length * length, (k + 1) * length * length));
    const inverse = inverseOfLower(factor, length);
    let logDeterminant = 0;
    for (let i = 0; i < length; i++) {
      logDeterminant += Math.log(factor[i * length + i]!);
      for (let j = 0; j <= i; j++) {
        matrix[j * components * length + k * length + i] = inverse[i * length + j]!;
        centres[k * length + i]! -= inverse[i * length + j]! * means[k * length + j]!;
      }
    }
    logWeights[k] = Math.log(weights[k]!) - logDeterminant - 0.5 * length * Math.log(2 * Math.PI);
  }
  return { whitening: matrix, centres, logWeights };
}

/** The moments as the components saw them, turned back. A component that no row belongs to stays as it is. */
function maximised(
  before: Mixture,
  { mass, first, second }: { mass: Float64Array; first: Float64Array; second: Float64Array },
  count: number,
): Mixture {
  const components = mass.length;
  const length = first.length / components;
  const means = before.means.slice();
  const factors = before.factors.slice();
  for (let k = 0; k < components; k++) {
    if (mass[k]! < 1) continue;
    const square = length * length;
    const factor = before.factors.subarray(k * square, (k + 1) * square);
    const shift = first.subarray(k * length, (k + 1) * length).map((value) => value / mass[k]!);
    const seen = second.subarray(k * square, (k + 1) * square).map((value, at) => {
      const [i, j] = [Math.floor(at / length), at % length];
      return value / mass[k]! - shift[i]! * shift[j]!;
    });
    const turned = productWithLower(factor, shift, 1);
    for (let i = 0; i < length; i++) means[k * length + i]! += turned[i]!;
    // L·S·Lᵀ
    const half = productWithLower(factor, seen, length);
    const covariance = productWithLower(factor, transposed(half, length), length);
    for (let i = 0; i < length; i++) covariance[i * length + i]! += LEAST_VARIANCE;
    factors.set(cholesky(covariance, length), k * square);
  }
  const weights = Float32Array.from(mass, (value) => Math.max(value, LEAST_MASS) / count);
  return { weights, means, factors };
}

/** Keeps the logarithm of an empty component's weight finite. */
const LEAST_MASS = 1e-6;

/** L·x, for a lower triangle [n, n] and x [n, columns]. */
function productWithLower(lower: Float32Array, x: Float64Array, columns: number): Float64Array {
  const size = x.length / columns;
  const result = new Float64Array(x.length);
  for (let i = 0; i < size; i++) {
    for (let k = 0; k <= i; k++) {
      for (let j = 0; j < columns; j++)
        result[i * columns + j]! += lower[i * size + k]! * x[k * columns + j]!;
    }
  }
  return result;
}

function transposed(matrix: Float64Array, size: number): Float64Array {
  return matrix.map((_, at) => matrix[(at % size) * size + Math.floor(at / size)]!);
}

function addTo(sums: Float64Array, values: ArrayLike<number>): void {
  for (let i = 0; i < sums.length; i++) sums[i]! += values[i]!;
}
