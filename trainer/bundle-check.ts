/** The memorisation check of an exported bundle, from the bundle's own files. */

import type { MemorisationTest } from "../shared/memorisation-check.ts";
import { createTrainingScan } from "../shared/training-scan.ts";
import type { Bundle } from "./bundle-reader.ts";
import { scanKernels } from "./engine/kernels.ts";

/**
 * @returns null for a bundle without its training examples or their calibration
 * @throws InputError naming the file, if one can't be read
 */
export async function readMemorisationTest(bundle: Bundle): Promise<MemorisationTest | null> {
  const { neighbours, calibration, output } = bundle.manifest;
  if (!neighbours || !calibration) return null;
  const { dtype, rowCount, shards, siblingsFile } = neighbours;
  const scan = createTrainingScan(scanKernels(), { dtype, rowCount, shape: output.shape });
  let offset = 0;
  for (const { file } of shards) {
    const bytes = await bundle.read(file);
    scan.rows.set(bytes, offset);
    offset += bytes.length;
  }
  return {
    scan,
    calibration,
    nullStatistics: new Float32Array((await bundle.read(calibration.file)).buffer),
    siblings: siblingsFile ? new Float32Array((await bundle.read(siblingsFile)).buffer) : null,
  };
}
