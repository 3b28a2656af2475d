import { matmul, reshape, transpose } from "../autodiff/operators.ts";
import { constant, type Tensor } from "../autodiff/tensor.ts";

/**
 * The kernel with which a transposed convolution of that stride does what upsampling by it, then a convolution that
 * keeps the size, do. A pixel that became a square of equal ones is multiplied by every sum of the taps that fall
 * into the square, so those are added up beforehand.
 *
 * @param kernel Keras's of the convolution: [size, size, channels, filters]
 * @returns      [channels, filters, size + stride − 1, size + stride − 1]
 */
export function spreadKernel(kernel: Tensor, stride: number): Tensor {
  const [size, , channels, filters] = kernel.shape as readonly [number, number, number, number];
  const spread = size + stride - 1;
  // Tap t of the convolution falls on the stride taps of the other that end at size + stride − 2 − t.
  const meets = (to: number, from: number) => to + from >= size - 1 && to + from < spread;
  const sums = Float32Array.from({ length: spread ** 2 * size ** 2 }, (_, i) => {
    const [to, from] = [Math.floor(i / size ** 2), i % size ** 2];
    const rows = meets(Math.floor(to / spread), Math.floor(from / size));
    return rows && meets(to % spread, from % size) ? 1 : 0;
  });
  const taps = matmul(
    constant(sums, [spread ** 2, size ** 2]),
    reshape(kernel, [size ** 2, channels * filters]),
  );
  return transpose(reshape(taps, [spread, spread, channels, filters]), [2, 3, 0, 1]);
}
