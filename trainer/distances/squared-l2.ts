import { matmul, multiply, square, subtract, sum } from "../autodiff/operators.ts";
import type { Tensor } from "../autodiff/tensor.ts";
import type { Distance, DistanceKind, Embedding } from "./distance.ts";

/** ‖a − b‖², what IMLE's derivation uses (Li & Malik 2018, arXiv:1809.09087). */
export const squaredL2: DistanceKind = {
  name: "l2",
  prepare: async ({ train }) => l2Of(train.length),
};

/** ‖a − b‖² of rows of so many numbers. */
export function l2Of(length: number): Distance {
  return squaredL2Of("l2", { length, of: null });
}

/** The squared L2 distance of two examples' embeddings. */
export function squaredL2Of(name: string, embedding: Embedding): Distance {
  const embed = (x: Tensor) => (embedding.of ? embedding.of(x) : x);
  return {
    name,
    paired: (a, b) => sum(square(subtract(embed(a), embed(b))), [1]),
    pairedAt: (radius) => radius ** 2,
    // ‖q − p‖² = ‖q‖² − 2q·p + ‖p‖²; without the first term it is one matrix product with a bias.
    ranking(queries, points) {
      const embedded = embed(points);
      const bias = sum(square(embedded), [1]);
      return matmul(multiply(embed(queries), -2), embedded, { transposeB: true, bias });
    },
    embedding,
  };
}
