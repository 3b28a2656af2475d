/**
 * Rows divided into cells of equal size: every cell is cut at the median along the direction in which it is longest,
 * and its halves again.
 *
 * Source: a k-d tree along principal axes (Sproull 1991, doi:10.1007/BF01759061).
 */

/** Steps of power iteration; a cut need not lie along the longest direction exactly. */
const POWER_STEPS = 20;

/**
 * @param rows [n, length]
 * @param cuts how often the whole is cut: 2^cuts ≤ n
 * @returns    2^cuts lists of row numbers; the two halves of a cell come one after the other
 */
export function equalCells(rows: Float32Array, length: number, cuts: number): Int32Array[] {
  let cells: Int32Array[] = [Int32Array.from({ length: rows.length / length }, (_, i) => i)];
  for (let cut = 0; cut < cuts; cut++) cells = cells.flatMap((cell) => halves(rows, length, cell));
  return cells;
}

function halves(rows: Float32Array, length: number, cell: Int32Array): [Int32Array, Int32Array] {
  const direction = longestDirection(rows, length, cell);
  const along = new Float64Array(cell.length);
  for (const [i, row] of cell.entries()) {
    for (let j = 0; j < length; j++) along[i]! += rows[row * length + j]! * direction[j]!;
  }
  const order = Array.from(cell.keys()).sort((a, b) => along[a]! - along[b]! || a - b);
  const sorted = Int32Array.from(order, (i) => cell[i]!);
  const middle = Math.floor(sorted.length / 2);
  return [sorted.subarray(0, middle), sorted.subarray(middle)];
}

function longestDirection(rows: Float32Array, length: number, cell: Int32Array): Float64Array {
  const { covariance } = cellMoments(rows, length, cell);
  // Begins with the widest column, so that no drawing of random numbers is needed.
  let widest = 0;
  for (let j = 1; j < length; j++) {
    if (covariance[j * (length + 1)]! > covariance[widest * (length + 1)]!) widest = j;
  }
  let direction = covariance.slice(widest * length, (widest + 1) * length);
  for (let step = 0; step < POWER_STEPS; step++) {
    const next = new Float64Array(length);
    for (let i = 0; i < length; i++) {
      for (let j = 0; j < length; j++) next[i]! += covariance[i * length + j]! * direction[j]!;
    }
    const norm = Math.hypot(...next);
    // Rows that are all alike are cut anywhere.
    if (norm === 0) break;
    direction = next.map((value) => value / norm);
  }
  return direction;
}

/** Mean [length] and unbiased covariance [length, length] of some of the rows; 0 where there is one. */
export function cellMoments(
  rows: Float32Array,
  length: number,
  cell: Int32Array,
): { readonly mean: Float64Array; readonly covariance: Float64Array } {
  const mean = new Float64Array(length);
  for (const row of cell) for (let j = 0; j < length; j++) mean[j]! += rows[row * length + j]! / cell.length;
  const covariance = new Float64Array(length * length);
  const centred = new Float64Array(length);
  for (const row of cell) {
    for (let j = 0; j < length; j++) centred[j] = rows[row * length + j]! - mean[j]!;
    for (let i = 0; i < length; i++) {
      const value = centred[i]!;
      for (let j = 0; j <= i; j++) covariance[i * length + j]! += value * centred[j]!;
    }
  }
  for (let i = 0; i < length; i++) {
    for (let j = 0; j <= i; j++) {
      covariance[i * length + j]! /= Math.max(1, cell.length - 1);
      covariance[j * length + i] = covariance[i * length + j]!;
    }
  }
  return { mean, covariance };
}
