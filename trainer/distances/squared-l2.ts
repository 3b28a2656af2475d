import { matmul, multiply, square, subtract, sum } from "../autodiff/operators.ts";
import type { Distance } from "./distance.ts";

/** ‖a − b‖², what IMLE's derivation uses (Li & Malik 2018, arXiv:1809.09087). */
export const squaredL2: Distance = {
  name: "l2",
  paired: (a, b) => sum(square(subtract(a, b)), [1]),
  pairedAt: (radius) => radius ** 2,
  // ‖q − p‖² = ‖q‖² − 2q·p + ‖p‖²; without the first term it is one matrix product with a bias.
  ranking: (queries, points) =>
    matmul(multiply(queries, -2), points, { transposeB: true, bias: sum(square(points), [1]) }),
};
