// What the kernels over rows of bytes share.

/**
 * Inserts into the ascending list, after equals: rows come in ascending order, so ties go to the lower index.
 * Returns the list's new length, at most k.
 */
// @ts-ignore: decorator
@inline
export function insert(distances: usize, indices: usize, found: i32, k: i32, distance: f64, index: i32): i32 {
  let at = found < k ? found : k - 1;
  while (at > 0 && load<f64>(distances + ((<usize>at - 1) << 3)) > distance) {
    store<f64>(distances + (<usize>at << 3), load<f64>(distances + ((<usize>at - 1) << 3)));
    store<i32>(indices + (<usize>at << 2), load<i32>(indices + ((<usize>at - 1) << 2)));
    at--;
  }
  store<f64>(distances + (<usize>at << 3), distance);
  store<i32>(indices + (<usize>at << 2), index);
  return found < k ? found + 1 : k;
}

// @ts-ignore: decorator
@inline
export function sumLanes(v: v128): u32 {
  return (
    i32x4.extract_lane(v, 0) + i32x4.extract_lane(v, 1) + i32x4.extract_lane(v, 2) + i32x4.extract_lane(v, 3)
  );
}

/** Adds the squared differences of 16 row bytes to the accumulator. The query is widened to int16 beforehand. */
// @ts-ignore: decorator
@inline
export function accumulate(sum: v128, bytes: v128, query: usize): v128 {
  const low = i16x8.sub(i16x8.extend_low_i8x16_u(bytes), v128.load(query));
  const high = i16x8.sub(i16x8.extend_high_i8x16_u(bytes), v128.load(query, 16));
  return i32x4.add(sum, i32x4.add(i32x4.dot_i16x8_s(low, low), i32x4.dot_i16x8_s(high, high)));
}

/**
 * Bytes between two looks at the partial sum, whose 4 lanes stay far below 2^32. 60,000 MNIST rows, k = 50:
 * 1.85 ms a query with 192; 5.6 with 112 (mispredicted branches), 3.1 without giving up early.
 */
const BLOCK: usize = 192;

/**
 * The squared distance of a uint8 row to the query, or a part of it that is at least `limit`: sums only grow,
 * so a row that can't come below is given up early.
 *
 * @param query    int16, widened from uint8, zero-padded to a multiple of 16 numbers
 * @param tailMask 255 for each byte of the row's last, partial vector
 */
// @ts-ignore: decorator
@inline
export function squaredDistance(row: usize, rowLength: usize, query: usize, tailMask: v128, limit: u64): u64 {
  const whole = rowLength & ~15;
  const blocks = (whole / BLOCK) * BLOCK;
  let total: u64 = 0;
  let at: usize = 0;
  for (; at < blocks && total < limit; at += BLOCK) {
    let sum = i64x2.splat(0);
    for (let step: usize = 0; step < BLOCK; step += 16) {
      sum = accumulate(sum, v128.load(row + at + step), query + ((at + step) << 1));
    }
    total += sumLanes(sum);
  }
  if (total >= limit) return total;
  let rest = i64x2.splat(0);
  for (; at < whole; at += 16) rest = accumulate(rest, v128.load(row + at), query + (at << 1));
  if (at < rowLength) rest = accumulate(rest, v128.and(v128.load(row + at), tailMask), query + (at << 1));
  return total + sumLanes(rest);
}
