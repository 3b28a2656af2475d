import type { NeighbourScan } from "../../shared/neighbour-scan.ts";
import { createTrainingScan } from "../../shared/training-scan.ts";
import { scanKernels } from "../engine/kernels.ts";
import type { Rows } from "./dataset.ts";

/**
 * The edge's own search over rows, so that what is measured here is what /nearest computes.
 *
 * @param shape of a row, as the data set has it
 */
export function scanRows(rows: Rows, shape: readonly number[]): NeighbourScan {
  const { values, count: rowCount } = rows;
  const dtype = values instanceof Uint8Array ? "uint8" : "float32";
  const scan = createTrainingScan(scanKernels(), { dtype, rowCount, shape });
  scan.rows.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  return scan;
}
