// The generator's layers, AssemblyScript with fixed-width SIMD. Every row is computed by itself, so that sample i is the
// same to the bit whatever it was asked for together with.
//
// Memory is imported and laid out by edge/generator-wasm.ts.

export { denseFloat32 } from "./lib/dense-float32.as";
export { denseInt8 } from "./lib/dense-int8.as";
export { relu, leakyRelu, sigmoid, tanh } from "./lib/activations.as";

/** Every pixel of an image becomes `bias`. */
export function fill(y: usize, pixels: i32, bias: usize, filters: usize): void {
  const bytes = filters << 2;
  for (const end = y + <usize>pixels * bytes; y < end; y += bytes) memory.copy(y, bias, bytes);
}

/**
 * The second half of a transposed convolution: adds what some pixels became, times the kernel, to where it falls in
 * the larger image. Pixels in ascending order, so that every sum is taken in one order.
 *
 * @param products      of each pixel: [size, size, filters] float32
 * @param productsBytes from one pixel's to the next's
 * @param first         of the pixels, which are `count` of an image `width` wide
 * @param y             [outHeight, outWidth, filters] float32; what falls outside is dropped
 */
export function scatter(
  products: usize, productsBytes: usize, first: i32, count: i32, width: i32,
  filters: i32, size: i32, stride: i32, padding: i32, y: usize, outHeight: i32, outWidth: i32,
): void {
  for (let pixel = first; pixel < first + count; pixel++) {
    const top = (pixel / width) * stride - padding;
    const left = (pixel % width) * stride - padding;
    const from = max(0, -left);
    const bytes = <usize>max(0, min(size, outWidth - left) - from) * (<usize>filters << 2);
    const end = min(size, outHeight - top);
    for (let row = max(0, -top); row < end; row++) {
      addTo(
        y + (<usize>(((top + row) * outWidth + left + from) * filters) << 2),
        products + (<usize>((row * size + from) * filters) << 2),
        bytes,
      );
    }
    products += productsBytes;
  }
}

// @ts-ignore: decorator
@inline
function addTo(y: usize, x: usize, bytes: usize): void {
  let at: usize = 0;
  for (; at + 16 <= bytes; at += 16) v128.store(y + at, f32x4.add(v128.load(y + at), v128.load(x + at)));
  for (; at < bytes; at += 4) store<f32>(y + at, load<f32>(y + at) + load<f32>(x + at));
}
