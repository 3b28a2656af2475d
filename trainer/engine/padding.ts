/**
 * Engines compile for fixed shapes. Row counts that vary from call to call are rounded up, so that a program
 * is compiled for a handful of shapes and not for every count that comes along.
 */

const SMALLEST = 16;

/** The next power of two, at least 16 and at most `limit` (which holds `count`). */
export function paddedRows(count: number, limit: number): number {
  let rows = SMALLEST;
  while (rows < count) rows *= 2;
  return Math.max(count, Math.min(rows, limit));
}

/** The rows, followed by copies of the first one up to `rowCount` rows; itself if it has as many already. */
export function padRows(
  values: Float32Array<ArrayBuffer>,
  length: number,
  rowCount: number,
): Float32Array<ArrayBuffer> {
  if (values.length === rowCount * length) return values;
  const padded = new Float32Array(rowCount * length);
  padded.set(values);
  for (let at = values.length; at < padded.length; at += length) padded.copyWithin(at, 0, length);
  return padded;
}
