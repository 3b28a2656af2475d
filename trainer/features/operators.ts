/** Operators of feature models, made of the autodiff's. */

import { add, divide, maximum, multiply, reshape, slice, sqrt, subtract } from "../autodiff/operators.ts";
import { printShape, ShapeError, type Tensor } from "../autodiff/tensor.ts";

/** The largest of every square of `factor` by `factor` pixels, which don't overlap: [n, c, h, w] → [n, c, h/factor, w/factor]. */
export function maxPool2d(x: Tensor, factor: number): Tensor {
  const [count, channels, height, width] = x.shape as readonly [number, number, number, number];
  if (height % factor !== 0 || width % factor !== 0) {
    throw new ShapeError(`maxPool2d: ${printShape(x.shape)} isn't made of ${factor}×${factor} squares`);
  }
  const [rows, columns] = [height / factor, width / factor];
  const across = largest(reshape(x, [count * channels * height * columns, factor]), factor);
  const lines = reshape(across, [count * channels * rows, factor, columns]);
  const taken = Array.from({ length: factor }, (_, i) => slice(lines, 1, i, 1)).reduce((a, b) =>
    maximum(a, b),
  );
  return reshape(taken, [count, channels, rows, columns]);
}

function largest(x: Tensor, columns: number): Tensor {
  return Array.from({ length: columns }, (_, i) => slice(x, 1, i, 1)).reduce((a, b) => maximum(a, b));
}

/** A trained batch normalisation, of channels [n, c, …]: (x − mean) / √(variance + epsilon) · scale + shift. */
export function normalised(
  x: Tensor,
  moments: Readonly<Record<"scale" | "shift" | "mean" | "variance", Tensor>>,
  epsilon: number,
): Tensor {
  const perChannel = (values: Tensor) =>
    reshape(values, [1, values.shape[0]!, ...x.shape.slice(2).map(() => 1)]);
  const { scale, shift, mean, variance } = moments;
  const factor = divide(scale, sqrt(add(variance, epsilon)));
  return add(multiply(subtract(x, perChannel(mean)), perChannel(factor)), perChannel(shift));
}
