/**
 * The directions in which rows are largest, approximately: a few steps of subspace iteration, started from rows.
 *
 * Rows aren't centred, so the first direction is about their mean.
 *
 * Source: Halko, Martinsson, Tropp 2011, "Finding structure with randomness", arXiv:0909.4061, algorithm 4.4.
 */

import { matmul } from "../autodiff/operators.ts";
import { input } from "../autodiff/tensor.ts";
import type { Engine, Executable } from "../engine/engine.ts";

export interface PrincipalDirections {
  /**
   * @param rows [rowCount, length] float32
   * @returns    [directionCount, length] float32, row-major: orthonormal vectors, the last of them 0 where rows
   *             span less
   */
  of(rows: Float32Array<ArrayBuffer>): Promise<Float32Array<ArrayBuffer>>;
  dispose(): Promise<void>;
}

/** After the second step the third finds nothing that shows in a search. */
const STEPS = 2;

/** @param size directionCount ≤ rowCount */
export function createPrincipalDirections(
  engine: Engine,
  size: { readonly rowCount: number; readonly length: number; readonly directionCount: number },
): PrincipalDirections {
  const { rowCount, length, directionCount } = size;
  let step: Promise<Executable> | undefined;
  return {
    async of(rows) {
      // Directions times the rows' covariance.
      const x = input("rows", [rowCount, length]);
      const along = matmul(x, input("directions", [directionCount, length]), { transposeB: true });
      step ??= engine.compile({ turned: matmul(along, x, { transposeA: true }) });
      let directions = rows.slice(0, directionCount * length);
      for (let i = 0; i < STEPS; i++) {
        const { turned } = await (await step).run({ rows, directions });
        directions = orthonormalised(turned as Float32Array, length);
      }
      return directions;
    },
    async dispose() {
      await (await step)?.dispose();
      step = undefined;
    },
  };
}

/** Below this share of its length, what is left of a vector is rounding. */
const NOTHING = 1e-6;

/** Vectors of `length`, made orthonormal in order (modified Gram–Schmidt in float64); 0 where one adds nothing. */
function orthonormalised(vectors: Float32Array, length: number): Float32Array<ArrayBuffer> {
  const count = vectors.length / length;
  const done: Float64Array[] = [];
  const result = new Float32Array(vectors.length);
  for (let k = 0; k < count; k++) {
    const vector = Float64Array.from(vectors.subarray(k * length, (k + 1) * length));
    const before = Math.sqrt(dot(vector, vector));
    for (const other of done) {
      const along = dot(vector, other);
      for (let i = 0; i < length; i++) vector[i]! -= along * other[i]!;
    }
    const left = Math.sqrt(dot(vector, vector));
    if (!(left > NOTHING * before)) continue;
    for (let i = 0; i < length; i++) vector[i]! /= left;
    done.push(vector);
    result.set(vector, (done.length - 1) * length);
  }
  return result;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
