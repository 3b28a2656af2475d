// Exact k-nearest scan of training rows, AssemblyScript with fixed-width SIMD (no relaxed instructions:
// they gained nothing here and differ between CPUs).
//
// Memory is imported and laid out by shared/plain-scan.ts. Rows lie one after the other without padding;
// 16 readable bytes follow the last one, so a row's tail is read as a whole vector and masked.

import { insert, squaredDistance } from "./lib/rows.as";

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
  let found = 0;
  let limit: u64 = u64.MAX_VALUE;
  for (let i = 0; i < rowCount; i++, rows += rowLength) {
    if (i == exclude) continue;
    const total = squaredDistance(rows, rowLength, query, mask, limit);
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
