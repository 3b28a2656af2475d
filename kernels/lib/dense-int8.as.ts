// A dense layer of int8 weights, with a scale a column. A row of inputs is rounded to whole numbers of at most 16 bits,
// so that all products and sums are whole numbers: exact, and the same in any order.
//
// Against float32 a 64-1200-1200-784 MLP takes half the time, in ms: with ReLU 0.075 and 0.20 for a sample alone, 4.6
// and 8.9 for 64; with leaky ReLU 0.095 and 0.29, 4.6 and 8.6.
//
// What lost: weights that lie singly, to be paired at every use, so that every input that is 0 can be left out (0.14
// for a sample alone with leaky ReLU, 7.8 for 64); loads of 8 bytes where a row is alone (0.094).

/** Columns of a panel: their sums, 8 vectors, stay in registers. */
const PANEL: usize = 32;
const SUMS_BYTES: usize = PANEL * 4;

/** A pair of inputs' weights for one panel. */
const PAIR_BYTES: usize = PANEL * 2;

/** Inputs taken at a time: their weights for one panel (8 KiB) stay in the first-level cache for all rows. */
const BLOCK: usize = 256;

/**
 * y = x·W + b
 *
 * @param x            [rows, inputs] float32, no padding
 * @param xBytes       from one row of x to the next
 * @param weights      for each block of 256 inputs, for each panel of 32 outputs: [pairs of inputs, 32, 2] int8; an
 *                     odd input's partner is 0
 * @param columnScales [32 panels] float32: what a weight of 1 stands for
 * @param bias         [32 panels] float32
 * @param most         what a row's largest input becomes: at most 32767, and times 127 × inputs below 2³¹
 * @param y            [rows, 32 panels] float32
 * @param whole        room for rows × wholeBytes bytes
 * @param wholeBytes   2 bytes an input, rounded up to 4
 * @param rowScales    room for rows × 4 bytes
 * @param nonzero      room for rows × 128 × 8 bytes
 * @param counts       room for rows × 4 bytes
 */
export function denseInt8(
  x: usize, xBytes: usize, rows: i32, inputs: usize,
  weights: usize, columnScales: usize, bias: usize, panels: usize, most: f32, y: usize,
  whole: usize, wholeBytes: usize, rowScales: usize, nonzero: usize, counts: usize,
): void {
  const yBytes = panels * SUMS_BYTES;
  for (let row = 0; row < rows; row++) {
    store<f32>(rowScales + (row << 2), round(x + row * xBytes, inputs, most, whole + row * wholeBytes));
  }
  memory.fill(y, 0, rows * yBytes);
  for (let first: usize = 0; first < inputs; first += BLOCK) {
    const pairs = (min(BLOCK, inputs - first) + 1) >> 1;
    let left: usize = 0; // pairs that are not 0, of all rows
    for (let row = 0; row < rows; row++) {
      const list = nonzero + row * (BLOCK << 2);
      const end = gather(whole + row * wholeBytes + (first << 1), pairs, list);
      store<u32>(counts + (row << 2), <u32>end);
      left += (end - list) >> 3;
    }
    const sparse = left * 2 < pairs * <usize>rows;
    for (let panel: usize = 0; panel < yBytes; panel += SUMS_BYTES) {
      let row = 0;
      if (!sparse) {
        for (; row + 4 <= rows; row += 4) {
          const from = whole + row * wholeBytes + (first << 1);
          accumulateFour(y + row * yBytes + panel, yBytes, weights, from, wholeBytes, pairs);
        }
      }
      for (; row < rows; row++) {
        const end = <usize>load<u32>(counts + (row << 2));
        accumulate(y + row * yBytes + panel, weights, nonzero + row * (BLOCK << 2), end);
      }
      weights += pairs * PAIR_BYTES;
    }
  }
  for (let row = 0; row < rows; row++) scale(y + row * yBytes, yBytes, load<f32>(rowScales + (row << 2)), columnScales, bias);
}

/** Writes a row as whole numbers, up to an even count of them; returns what 1 stands for. */
// @ts-ignore: decorator
@inline
function round(x: usize, inputs: usize, most: f32, whole: usize): f32 {
  let vLargest = f32x4.splat(0);
  let i: usize = 0;
  for (; i + 4 <= inputs; i += 4) vLargest = f32x4.max(vLargest, f32x4.abs(v128.load(x + (i << 2))));
  let largest = max(
    max(f32x4.extract_lane(vLargest, 0), f32x4.extract_lane(vLargest, 1)),
    max(f32x4.extract_lane(vLargest, 2), f32x4.extract_lane(vLargest, 3)),
  );
  for (; i < inputs; i++) largest = max(largest, abs(load<f32>(x + (i << 2))));
  // Below the smallest normal number, 0 like the rest, as its inverse would be infinite.
  const inverse: f32 = largest > 1e-30 ? most / largest : 0;
  const vInverse = f32x4.splat(inverse);
  for (i = 0; i + 4 <= inputs; i += 4) {
    const numbers = f32x4.nearest(f32x4.mul(v128.load(x + (i << 2)), vInverse));
    const words = i32x4.trunc_sat_f32x4_s(numbers);
    v128.store64_lane(whole + (i << 1), i16x8.narrow_i32x4_s(words, words), 0);
  }
  for (; i < inputs; i++) store<i16>(whole + (i << 1), <i16>nearest<f32>(load<f32>(x + (i << 2)) * inverse));
  if (inputs & 1) store<i16>(whole + (inputs << 1), 0);
  return largest / most;
}

/** Lists the pairs that are not both 0, each with where its weights are. Returns the list's end. */
// @ts-ignore: decorator
@inline
function gather(whole: usize, pairs: usize, list: usize): usize {
  let end = list;
  for (let i: usize = 0; i < pairs; i++) {
    const pair = load<u32>(whole + (i << 2));
    store<u32>(end, pair);
    store<u32>(end, <u32>(i * PAIR_BYTES), 4);
    end += <usize>(pair != 0) << 3;
  }
  return end;
}

/** Adds the listed pairs, times their weights, to 32 sums. */
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
    const w0 = v128.load(w, 0);
    y0 = i32x4.add(y0, i32x4.dot_i16x8_s(x, i16x8.extend_low_i8x16_s(w0)));
    y1 = i32x4.add(y1, i32x4.dot_i16x8_s(x, i16x8.extend_high_i8x16_s(w0)));
    const w1 = v128.load(w, 16);
    y2 = i32x4.add(y2, i32x4.dot_i16x8_s(x, i16x8.extend_low_i8x16_s(w1)));
    y3 = i32x4.add(y3, i32x4.dot_i16x8_s(x, i16x8.extend_high_i8x16_s(w1)));
    const w2 = v128.load(w, 32);
    y4 = i32x4.add(y4, i32x4.dot_i16x8_s(x, i16x8.extend_low_i8x16_s(w2)));
    y5 = i32x4.add(y5, i32x4.dot_i16x8_s(x, i16x8.extend_high_i8x16_s(w2)));
    const w3 = v128.load(w, 48);
    y6 = i32x4.add(y6, i32x4.dot_i16x8_s(x, i16x8.extend_low_i8x16_s(w3)));
    y7 = i32x4.add(y7, i32x4.dot_i16x8_s(x, i16x8.extend_high_i8x16_s(w3)));
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

/** The same for four rows together, with the zeros: each weight is loaded once for all four. */
// @ts-ignore: decorator
@inline
function accumulateFour(y: usize, yBytes: usize, weights: usize, x: usize, xBytes: usize, pairs: usize): void {
  for (let column: usize = 0; column < PANEL; column += 8) {
    const ya = y + (column << 2);
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
    let w = weights + (column << 1);
    const end = x + (pairs << 2);
    for (let xa = x; xa < end; xa += 4) {
      const xb = xa + xBytes;
      const xc = xb + xBytes;
      const xd = xc + xBytes;
      const w0 = v128.load8x8_s(w);
      const w1 = v128.load8x8_s(w, 8);
      w += PAIR_BYTES;
      const a = v128.load32_splat(xa);
      a0 = i32x4.add(a0, i32x4.dot_i16x8_s(a, w0));
      a1 = i32x4.add(a1, i32x4.dot_i16x8_s(a, w1));
      const b = v128.load32_splat(xb);
      b0 = i32x4.add(b0, i32x4.dot_i16x8_s(b, w0));
      b1 = i32x4.add(b1, i32x4.dot_i16x8_s(b, w1));
      const c = v128.load32_splat(xc);
      c0 = i32x4.add(c0, i32x4.dot_i16x8_s(c, w0));
      c1 = i32x4.add(c1, i32x4.dot_i16x8_s(c, w1));
      const d = v128.load32_splat(xd);
      d0 = i32x4.add(d0, i32x4.dot_i16x8_s(d, w0));
      d1 = i32x4.add(d1, i32x4.dot_i16x8_s(d, w1));
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

/** From whole sums to what they stand for, with the bias. */
// @ts-ignore: decorator
@inline
function scale(y: usize, yBytes: usize, rowScale: f32, columnScales: usize, bias: usize): void {
  const vRowScale = f32x4.splat(rowScale);
  for (let i: usize = 0; i < yBytes; i += 16) {
    const numbers = f32x4.mul(f32x4.convert_i32x4_s(v128.load(y + i)), f32x4.mul(vRowScale, v128.load(columnScales + i)));
    v128.store(y + i, f32x4.add(numbers, v128.load(bias + i)));
  }
}
