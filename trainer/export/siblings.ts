/** How far training examples are from each other, which tells whether something near to one is authentic. */

import type { NeighbourScan } from "../../shared/neighbour-scan.ts";
import type { OnProgress } from "./calibrate.ts";

/** Pairs of rows times numbers in a row; 60,000 MNIST images, 3e12, take about a minute. */
const MAX_WORK = 4e12;

/**
 * The distance of every row to its nearest other one; Infinity where there is none.
 *
 * @param scan       over the training rows
 * @param onProgress told now and then how many rows are done
 * @returns null where it would take long: the edge then searches again for each answer
 */
export async function siblingDistances(
  scan: NeighbourScan,
  onProgress: OnProgress,
): Promise<Float32Array<ArrayBuffer> | null> {
  const { rowCount, rowLength } = scan;
  if (rowCount * rowCount * rowLength > MAX_WORK) return null;
  const distances = new Float32Array(rowCount);
  for (let i = 0; i < rowCount; i++) {
    distances[i] = scan.search(scan.row(i), 1, i).distances[0] ?? Number.POSITIVE_INFINITY;
    if (i % 100 === 0) {
      onProgress(i, rowCount);
      // Lets the display draw and Ctrl-C through.
      await new Promise(setImmediate);
    }
  }
  return distances;
}
