import { abs, add, reshape, slice, subtract, sum } from "../autodiff/operators.ts";
import type { Tensor } from "../autodiff/tensor.ts";
import type { Distance, DistanceKind } from "./distance.ts";

/** Columns that are compared at once: more take more memory, fewer more operators. */
const COLUMNS = 16;

/** Σ|aᵢ − bᵢ|: forgives few large differences sooner than many small ones. No matrix product computes it, so it is slow. */
export const plainL1: Distance = {
  name: "l1",
  paired: (a, b) => sum(abs(subtract(a, b)), [1]),
  pairedAt: (radius) => radius,
  ranking(queries, points) {
    const length = queries.shape[1]!;
    let total: Tensor | null = null;
    for (let first = 0; first < length; first += COLUMNS) {
      const part = sumOfDifferences(queries, points, first, Math.min(COLUMNS, length - first));
      total = total ? add(total, part) : part;
    }
    return total!;
  },
  embedding: null,
};

export const l1: DistanceKind = { name: "l1", prepare: async () => plainL1 };

/** Σ|qᵢ − pᵢ| over `count` columns, for every query and point: [n, m]. */
function sumOfDifferences(queries: Tensor, points: Tensor, first: number, count: number): Tensor {
  const rows = reshape(slice(queries, 1, first, count), [queries.shape[0]!, 1, count]);
  const columns = reshape(slice(points, 1, first, count), [1, points.shape[0]!, count]);
  return sum(abs(subtract(rows, columns)), [2]);
}
