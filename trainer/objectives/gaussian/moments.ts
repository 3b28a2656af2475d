import { matmul } from "../../autodiff/operators.ts";
import { input } from "../../autodiff/tensor.ts";
import type { Rows } from "../../data/dataset.ts";
import type { ModelSpace } from "../../data/model-space.ts";
import type { Engine } from "../../engine/engine.ts";

const TILE_ROWS = 1024;

export interface Moments {
  /** [length] */
  readonly mean: Float64Array;
  /** [length, length]: divided by the number of rows, as the likeliest one is. */
  readonly covariance: Float64Array;
}

/** Mean and covariance of all rows in model space; products on the engine, sums over tiles in float64. */
export async function momentsOf(engine: Engine, train: Rows, space: ModelSpace): Promise<Moments> {
  const { count, length } = train;
  const tiles = Array.from({ length: Math.ceil(count / TILE_ROWS) }, (_, i) => i * TILE_ROWS);
  const rowsOf = (first: number) =>
    space.gather(
      train,
      Array.from({ length: Math.min(TILE_ROWS, count - first) }, (_, i) => first + i),
    );
  const mean = new Float64Array(length);
  for (const first of tiles) {
    const rows = rowsOf(first);
    for (let i = 0; i < rows.length; i++) mean[i % length]! += rows[i]! / count;
  }
  const centred = input("rows", [TILE_ROWS, length]);
  const program = await engine.compile({ products: matmul(centred, centred, { transposeA: true }) });
  const covariance = new Float64Array(length * length);
  for (const first of tiles) {
    // Rows of zeros fill up the last tile.
    const rows = new Float32Array(TILE_ROWS * length);
    for (const [i, value] of rowsOf(first).entries()) rows[i] = value - mean[i % length]!;
    const { products } = await program.run({ rows });
    for (let i = 0; i < covariance.length; i++) covariance[i]! += products![i]! / count;
  }
  await program.dispose();
  return { mean, covariance };
}
