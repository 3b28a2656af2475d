/** The null distribution of the memorisation check: what real examples that were not trained on score. */

import { createNeighbourScan, type NeighbourScan } from "../../shared/neighbour-scan.ts";
import { NEIGHBOURHOOD, neighbourhoodRatio } from "../../shared/verdict.ts";
import type { Rows } from "../data/dataset.ts";
import { kernelModule } from "../engine/kernels.ts";
import type { CalibrationContent } from "./bundle.ts";

/** Fewer held-out examples than this say too little about small p-values. */
const MIN_HELD_OUT = 100;

/**
 * Scores held-out examples against the training rows, or, where there are too few of them, every training
 * example against the others.
 *
 * It searches with the edge's own kernel, so that calibration and check compute the same distances.
 *
 * @param onProgress told now and then how many examples are done
 * @returns null if the training set is too small to have a neighbourhood
 */
export async function calibrate(
  train: Rows,
  heldOut: Rows,
  alpha: number,
  onProgress: (done: number, total: number) => void,
): Promise<CalibrationContent | null> {
  const method = heldOut.count >= MIN_HELD_OUT ? "held-out" : "leave-one-out";
  const others = method === "held-out" ? train.count : train.count - 1;
  const neighbourhood = Math.min(NEIGHBOURHOOD, others);
  if (neighbourhood < 2) return null;

  const scan = scanOf(train);
  const examples = method === "held-out" ? heldOut : train;
  const nullStatistics = new Float32Array(examples.count);
  for (let i = 0; i < examples.count; i++) {
    const query = examples.values.subarray(i * examples.length, (i + 1) * examples.length);
    const { distances } = scan.search(query, neighbourhood, method === "held-out" ? -1 : i);
    nullStatistics[i] = neighbourhoodRatio(distances);
    if (i % 100 === 0) {
      onProgress(i, examples.count);
      // Lets the display draw and Ctrl-C through.
      await new Promise(setImmediate);
    }
  }
  return { statistic: "neighbourhood-ratio", neighbourhood, method, alpha, nullStatistics };
}

function scanOf(rows: Rows): NeighbourScan {
  const scan = createNeighbourScan(kernelModule("scan"), {
    dtype: rows.values instanceof Uint8Array ? "uint8" : "float32",
    rowCount: rows.count,
    rowLength: rows.length,
  });
  scan.rows.set(new Uint8Array(rows.values.buffer, rows.values.byteOffset, rows.values.byteLength));
  return scan;
}
