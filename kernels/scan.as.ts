// Exact k-nearest scan of training rows, AssemblyScript with fixed-width SIMD (no relaxed instructions:
// they gained nothing here and differ between CPUs).
//
// Memory is imported and laid out by shared/neighbour-scan.ts. Rows lie one after the other without padding;
// 16 readable bytes follow the last one, so a row's tail is read as a whole vector and masked.
//
// A row is given up as soon as its partial sum exceeds the k-th best so far. Sums only grow, so the answer
// stays exact.

/**
 * Bytes between two looks at the partial sum, whose 4 lanes stay far below 2^32. 60,000 MNIST rows, k = 50:
 * 1.85 ms a query with 192; 5.6 with 112 (mispredicted branches), 3.1 without giving up early.
 */
const BLOCK: usize = 192;

/**
 * Inserts into the ascending list, after equals: rows come in ascending order, so ties go to the lower index.
 * Returns the list's new length, at most k.
 */
// @ts-ignore: decorator
@inline
function insert(distances: usize, indices: usize, found: i32, k: i32, distance: f64, index: i32): i32 {
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
function sumLanes(v: v128): u32 {
  return (
    i32x4.extract_lane(v, 0) + i32x4.extract_lane(v, 1) + i32x4.extract_lane(v, 2) + i32x4.extract_lane(v, 3)
  );
}

/** Adds the squared differences of 16 row bytes to the accumulator. The query is widened to int16 beforehand. */
// @ts-ignore: decorator
@inline
function accumulate(sum: v128, bytes: v128, query: usize): v128 {
  const low = i16x8.sub(i16x8.extend_low_i8x16_u(bytes), v128.load(query));
  const high = i16x8.sub(i16x8.extend_high_i8x16_u(bytes), v128.load(query, 16));
  return i32x4.add(sum, i32x4.add(i32x4.dot_i16x8_s(low, low), i32x4.dot_i16x8_s(high, high)));
}

/**
 * Nearest uint8 rows by squared L2, an exact integer.
 *
 * @param query     int16, widened from uint8, zero-padded to a multiple of 16 numbers
 * @param tailMask  16 bytes: 255 for each byte of a row's last, partial vector
 * @param exclude   a row to leave out, or -1
 * @param distances out: k float64, ascending squared distances
 * @param indices   out: k uint32
 * @returns         how many were found: min(k, rows not excluded)
 */
export function scanUint8(
  rows: usize, rowCount: i32, rowLength: usize, query: usize, tailMask: usize,
  exclude: i32, k: i32, distances: usize, indices: usize,
): i32 {
  const mask = v128.load(tailMask);
  const whole = rowLength & ~15;
  const blocks = (whole / BLOCK) * BLOCK;
  let found = 0;
  let limit: u64 = u64.MAX_VALUE;
  for (let i = 0; i < rowCount; i++, rows += rowLength) {
    if (i == exclude) continue;
    let total: u64 = 0;
    let at: usize = 0;
    for (; at < blocks && total < limit; at += BLOCK) {
      let sum = i64x2.splat(0);
      for (let step: usize = 0; step < BLOCK; step += 16) {
        sum = accumulate(sum, v128.load(rows + at + step), query + ((at + step) << 1));
      }
      total += sumLanes(sum);
    }
    if (total >= limit) continue;
    let rest = i64x2.splat(0);
    for (; at < whole; at += 16) rest = accumulate(rest, v128.load(rows + at), query + (at << 1));
    if (at < rowLength) rest = accumulate(rest, v128.and(v128.load(rows + at), mask), query + (at << 1));
    total += sumLanes(rest);
    if (total >= limit) continue;
    found = insert(distances, indices, found, k, <f64>total, i);
    if (found == k) limit = <u64>load<f64>(distances + ((<usize>k - 1) << 3));
  }
  return found;
}

/**
 * Nearest float32 rows by squared L2. Differences and sums are float64, added in the row's order.
 *
 * Parameters as for scanUint8; the query is float64, and there is no tail mask.
 */
export function scanFloat32(
  rows: usize, rowCount: i32, rowLength: usize, query: usize,
  exclude: i32, k: i32, distances: usize, indices: usize,
): i32 {
  let found = 0;
  let limit: f64 = Infinity;
  for (let i = 0; i < rowCount; i++, rows += rowLength << 2) {
    if (i == exclude) continue;
    let total: f64 = 0;
    let at: usize = 0;
    while (at < rowLength && total < limit) {
      const end = min(at + 32, rowLength);
      let sum = f64x2.splat(0);
      for (; at + 2 <= end; at += 2) {
        const difference = f64x2.sub(
          f64x2.promote_low_f32x4(v128.load64_zero(rows + (at << 2))),
          v128.load(query + (at << 3)),
        );
        sum = f64x2.add(sum, f64x2.mul(difference, difference));
      }
      total += f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
      if (at < end) {
        const difference = <f64>load<f32>(rows + (at << 2)) - load<f64>(query + (at << 3));
        total += difference * difference;
        at++;
      }
    }
    if (total >= limit) continue;
    found = insert(distances, indices, found, k, total, i);
    if (found == k) limit = load<f64>(distances + ((<usize>k - 1) << 3));
  }
  return found;
}
