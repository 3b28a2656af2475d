import { add, divide, multiply, sqrt, square, sum } from "../autodiff/operators.ts";
import type { Tensor } from "../autodiff/tensor.ts";
import type { DistanceKind } from "./distance.ts";
import { squaredL2Of } from "./squared-l2.ts";

/** Keeps an example of zeros from having no direction at all; far below what pixels differ by. */
const LEAST_SQUARED_LENGTH = 1e-12;

/** 1 − cos(a, b): looks at the direction of an example only, not at how bright it is. */
export const cosine: DistanceKind = {
  name: "cosine",
  async prepare({ train }) {
    const distance = squaredL2Of("cosine", { length: train.length, of: direction });
    return { ...distance, pairedAt: (radius) => radius };
  },
};

/** Of length √½, so that the squared distance of two is 1 − cos of the angle between them. */
function direction(x: Tensor): Tensor {
  const squared = sum(square(x), [1], { keepDims: true });
  return multiply(divide(x, sqrt(add(squared, LEAST_SQUARED_LENGTH))), Math.SQRT1_2);
}
