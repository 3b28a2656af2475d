/** Every distance between two sets of points, a block of rows at a time. */

import { add, matmul, multiply, relu, reshape, slice, square, subtract, sum } from "../autodiff/operators.ts";
import { input, type Tensor } from "../autodiff/tensor.ts";
import type { Engine, Executable } from "../engine/engine.ts";

export interface DistanceBlock {
  /** The number of the block's first query. */
  readonly first: number;
  /** How many queries the block has. */
  readonly count: number;
  /** Squared L2 distances, [count, points], never negative; overwritten by the next block. */
  readonly squared: Float32Array<ArrayBuffer>;
}

/** What one block's distances may take. 10,000 × 10,000 × 784 on 2 cores: 0.75 s; half or twice as much 0.85 s, a quarter 1.3 s. */
const BLOCK_BYTES = 2 ** 24;

/** Up to this length a point's distances are sums of squared differences; above, one matrix product. */
const SHORT = 16;

/**
 * Squared distances of every query to every point, in blocks of at most 16 MiB (one row, where a row is larger).
 *
 * Short points are compared number by number, as exactly as float32 allows. Longer ones go through
 * ‖q‖² − 2q·p + ‖p‖², after both sets moved by the points' mean, which changes no distance and keeps the three
 * terms small: what cancels is lost, about 1e-7 of ‖q‖² + ‖p‖².
 *
 * @param queries [n, length] float32, row-major
 * @param points  [m, length] float32, row-major; m ≥ 1
 */
export async function* distanceBlocks(
  engine: Engine,
  queries: Float32Array<ArrayBuffer>,
  points: Float32Array<ArrayBuffer>,
  length: number,
): AsyncGenerator<DistanceBlock> {
  const queryCount = queries.length / length;
  const pointCount = points.length / length;
  const blockRows = Math.max(1, Math.floor(BLOCK_BYTES / (4 * pointCount)));
  const origin = length > SHORT ? meanRow(points, length) : new Float32Array(length);
  const movedPoints = moved(points, origin);
  const compile = (rows: number) =>
    engine.compile({
      squared: squaredDistances(input("queries", [rows, length]), input("points", [pointCount, length])),
    });

  let program: Executable | undefined;
  let programRows = 0;
  try {
    for (let first = 0; first < queryCount; first += blockRows) {
      const count = Math.min(blockRows, queryCount - first);
      if (count !== programRows) {
        await program?.dispose();
        program = undefined;
        program = await compile(count);
        programRows = count;
      }
      const block = moved(queries.subarray(first * length, (first + count) * length), origin);
      const { squared } = await program!.run({ queries: block, points: movedPoints });
      yield { first, count, squared: squared as Float32Array<ArrayBuffer> };
    }
  } finally {
    await program?.dispose();
  }
}

/** [n, d], [m, d] → [n, m]. */
function squaredDistances(queries: Tensor, points: Tensor): Tensor {
  const [n, length] = queries.shape as readonly [number, number];
  const m = points.shape[0]!;
  if (length <= SHORT) {
    const columns = Array.from({ length }, (_, j) =>
      square(subtract(slice(queries, 1, j, 1), reshape(slice(points, 1, j, 1), [1, m]))),
    );
    return columns.reduce((total, column) => add(total, column));
  }
  const products = matmul(multiply(queries, -2), points, {
    transposeB: true,
    bias: sum(square(points), [1]),
  });
  return relu(add(products, reshape(sum(square(queries), [1]), [n, 1])));
}

function meanRow(rows: Float32Array, length: number): Float32Array<ArrayBuffer> {
  const total = new Float64Array(length);
  for (let i = 0; i < rows.length; i += length) for (let j = 0; j < length; j++) total[j]! += rows[i + j]!;
  return Float32Array.from(total, (value) => (value * length) / rows.length);
}

function moved(rows: Float32Array, origin: Float32Array): Float32Array<ArrayBuffer> {
  const result = new Float32Array(rows.length);
  const { length } = origin;
  for (let i = 0; i < rows.length; i += length)
    for (let j = 0; j < length; j++) result[i + j] = rows[i + j]! - origin[j]!;
  return result;
}
