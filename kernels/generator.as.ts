// The generator's layers, AssemblyScript with fixed-width SIMD. Every row is computed by itself, its sums in
// ascending order of the inputs, so that sample i is the same to the bit whatever it was asked for together with.
//
// Memory is imported and laid out by edge/generator-wasm.ts. Inputs that are 0 are left out where they are many:
// after ReLU that is half of them. A 64-1200-1200-784 MLP against XNNPACK's product, in ms: with ReLU 0.13 and 0.23
// for a sample alone, 6.4 and 7.9 for 64; with leaky ReLU 0.22 and 0.23, 6.7 and 8.3.

/** Columns of a panel: sums of 8 vectors stay in registers; with 12 the compiler spills, and 64 samples take 15 % longer. */
const PANEL_BYTES: usize = 32 * 4;

/** Inputs taken at a time: their weights for one panel (8 KiB) stay in the first-level cache for all rows. */
const BLOCK: usize = 64;

/**
 * y = x·W + b
 *
 * @param x       [rows, inputs] float32, no padding
 * @param xBytes  from one row of x to the next
 * @param weights for each block of 64 inputs, for each panel of 32 outputs: [inputs of the block, 32] float32
 * @param bias    [32 panels] float32, no −0 among them
 * @param y       [rows, 32 panels] float32
 * @param nonzero room for rows × 64 × 8 bytes
 * @param counts  room for rows × 4 bytes
 */
export function dense(
  x: usize, xBytes: usize, rows: i32, inputs: usize,
  weights: usize, bias: usize, panels: usize, y: usize,
  nonzero: usize, counts: usize,
): void {
  const yBytes = panels * PANEL_BYTES;
  for (let row = 0; row < rows; row++) memory.copy(y + row * yBytes, bias, yBytes);
  for (let first: usize = 0; first < inputs; first += BLOCK) {
    const depth = min(BLOCK, inputs - first);
    let left: usize = 0; // inputs that are not 0, of all rows
    for (let row = 0; row < rows; row++) {
      const list = nonzero + row * (BLOCK << 3);
      const end = gather(x + row * xBytes + (first << 2), depth, list);
      store<u32>(counts + (row << 2), <u32>end);
      left += (end - list) >> 3;
    }
    const sparse = left * 4 < depth * <usize>rows * 3;
    for (let panel: usize = 0; panel < yBytes; panel += PANEL_BYTES) {
      let row = 0;
      if (!sparse) {
        for (; row + 4 <= rows; row += 4) {
          accumulateFour(y + row * yBytes + panel, yBytes, weights, x + row * xBytes + (first << 2), xBytes, depth);
        }
      }
      for (; row < rows; row++) {
        const end = <usize>load<u32>(counts + (row << 2));
        accumulate(y + row * yBytes + panel, weights, nonzero + row * (BLOCK << 3), end);
      }
      weights += depth * PANEL_BYTES;
    }
  }
}

/** Lists the inputs that are not 0, as pairs of the value and where its weights are. Returns the list's end. */
// @ts-ignore: decorator
@inline
function gather(x: usize, depth: usize, list: usize): usize {
  let end = list;
  for (let i: usize = 0; i < depth; i++) {
    const value = load<f32>(x + (i << 2));
    store<f32>(end, value);
    store<u32>(end, <u32>(i * PANEL_BYTES), 4);
    end += <usize>(value != 0) << 3;
  }
  return end;
}

/** Adds the listed inputs, times their weights, to 32 outputs. */
// @ts-ignore: decorator
@inline
function accumulate(y: usize, weights: usize, list: usize, end: usize): void {
  let y0 = v128.load(y, 0);
  let y1 = v128.load(y, 16);
  let y2 = v128.load(y, 32);
  let y3 = v128.load(y, 48);
  let y4 = v128.load(y, 64);
  let y5 = v128.load(y, 80);
  let y6 = v128.load(y, 96);
  let y7 = v128.load(y, 112);
  for (; list < end; list += 8) {
    const x = v128.load32_splat(list);
    const w = weights + <usize>load<u32>(list, 4);
    y0 = f32x4.add(y0, f32x4.mul(x, v128.load(w, 0)));
    y1 = f32x4.add(y1, f32x4.mul(x, v128.load(w, 16)));
    y2 = f32x4.add(y2, f32x4.mul(x, v128.load(w, 32)));
    y3 = f32x4.add(y3, f32x4.mul(x, v128.load(w, 48)));
    y4 = f32x4.add(y4, f32x4.mul(x, v128.load(w, 64)));
    y5 = f32x4.add(y5, f32x4.mul(x, v128.load(w, 80)));
    y6 = f32x4.add(y6, f32x4.mul(x, v128.load(w, 96)));
    y7 = f32x4.add(y7, f32x4.mul(x, v128.load(w, 112)));
  }
  v128.store(y, y0, 0);
  v128.store(y, y1, 16);
  v128.store(y, y2, 32);
  v128.store(y, y3, 48);
  v128.store(y, y4, 64);
  v128.store(y, y5, 80);
  v128.store(y, y6, 96);
  v128.store(y, y7, 112);
}

/**
 * The same for four rows together, with the zeros: each weight is loaded once for all four. Adding 0 · w changes no
 * bit of a sum that is not −0, and none is, as no bias is.
 */
// @ts-ignore: decorator
@inline
function accumulateFour(y: usize, yBytes: usize, weights: usize, x: usize, xBytes: usize, depth: usize): void {
  for (let column: usize = 0; column < PANEL_BYTES; column += 32) {
    const ya = y + column;
    const yb = ya + yBytes;
    const yc = yb + yBytes;
    const yd = yc + yBytes;
    let a0 = v128.load(ya);
    let a1 = v128.load(ya, 16);
    let b0 = v128.load(yb);
    let b1 = v128.load(yb, 16);
    let c0 = v128.load(yc);
    let c1 = v128.load(yc, 16);
    let d0 = v128.load(yd);
    let d1 = v128.load(yd, 16);
    let w = weights + column;
    const end = x + (depth << 2);
    for (let xa = x; xa < end; xa += 4) {
      const xb = xa + xBytes;
      const xc = xb + xBytes;
      const xd = xc + xBytes;
      const w0 = v128.load(w);
      const w1 = v128.load(w, 16);
      w += PANEL_BYTES;
      const a = v128.load32_splat(xa);
      a0 = f32x4.add(a0, f32x4.mul(a, w0));
      a1 = f32x4.add(a1, f32x4.mul(a, w1));
      const b = v128.load32_splat(xb);
      b0 = f32x4.add(b0, f32x4.mul(b, w0));
      b1 = f32x4.add(b1, f32x4.mul(b, w1));
      const c = v128.load32_splat(xc);
      c0 = f32x4.add(c0, f32x4.mul(c, w0));
      c1 = f32x4.add(c1, f32x4.mul(c, w1));
      const d = v128.load32_splat(xd);
      d0 = f32x4.add(d0, f32x4.mul(d, w0));
      d1 = f32x4.add(d1, f32x4.mul(d, w1));
    }
    v128.store(ya, a0);
    v128.store(ya, a1, 16);
    v128.store(yb, b0);
    v128.store(yb, b1, 16);
    v128.store(yc, c0);
    v128.store(yc, c1, 16);
    v128.store(yd, d0);
    v128.store(yd, d1, 16);
  }
}

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

// Activations, in place over `bytes` bytes, a multiple of 16. NaN stays NaN.

export function relu(values: usize, bytes: usize): void {
  const zero = f32x4.splat(0);
  for (const end = values + bytes; values < end; values += 16) {
    v128.store(values, f32x4.max(v128.load(values), zero));
  }
}

export function leakyRelu(values: usize, bytes: usize, slope: f32): void {
  const zero = f32x4.splat(0);
  const vSlope = f32x4.splat(slope);
  for (const end = values + bytes; values < end; values += 16) {
    const x = v128.load(values);
    v128.store(values, v128.bitselect(f32x4.mul(x, vSlope), x, f32x4.lt(x, zero)));
  }
}

export function sigmoid(values: usize, bytes: usize): void {
  const one = f32x4.splat(1);
  for (const end = values + bytes; values < end; values += 16) {
    const x = v128.load(values);
    v128.store(values, f32x4.div(one, f32x4.add(one, exp(f32x4.neg(x)))));
  }
}

/** Of |x|, so that it is odd: (1 − e) / (1 + e) with e = exp(−2|x|). */
export function tanh(values: usize, bytes: usize): void {
  const one = f32x4.splat(1);
  const sign = i32x4.splat(i32.MIN_VALUE);
  for (const end = values + bytes; values < end; values += 16) {
    const x = v128.load(values);
    const e = exp(f32x4.mul(f32x4.abs(x), f32x4.splat(-2)));
    const size = f32x4.div(f32x4.sub(one, e), f32x4.add(one, e));
    v128.store(values, v128.bitselect(x, size, sign));
  }
}

/**
 * eˣ within 2e-7 of itself; beyond ±87, where float32 ends, e^±87. WebAssembly has no exp of its own, and the
 * hosts' differ: so it is 2ᵏ·eʳ with |r| ≤ ln(2)/2 and eʳ's polynomial (Cephes, expf).
 */
// @ts-ignore: decorator
@inline
function exp(x: v128): v128 {
  x = f32x4.max(f32x4.min(x, f32x4.splat(87)), f32x4.splat(-87));
  const k = f32x4.nearest(f32x4.mul(x, f32x4.splat(1.44269504088896341)));
  // ln(2) in two parts, so that their products with k are exact.
  let r = f32x4.sub(x, f32x4.mul(k, f32x4.splat(0.693359375)));
  r = f32x4.sub(r, f32x4.mul(k, f32x4.splat(-2.12194440e-4)));
  let p = f32x4.splat(1.9875691500e-4);
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.3981999507e-3));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(8.3334519073e-3));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(4.1665795894e-2));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.6666665459e-1));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(5.0000001201e-1));
  p = f32x4.add(f32x4.add(f32x4.mul(f32x4.mul(p, r), r), r), f32x4.splat(1));
  // 2ᵏ by its bits.
  const power = i32x4.shl(i32x4.add(i32x4.trunc_sat_f32x4_s(k), i32x4.splat(127)), 23);
  return f32x4.mul(p, power);
}
