/** The memorisation check of an exported bundle, from the bundle's own files. */

import { open } from "node:fs/promises";
import { join } from "node:path";
import type { MemorisationTest } from "../shared/memorisation-check.ts";
import { openTrainingSearch } from "../shared/training-search.ts";
import type { Bundle } from "./bundle-reader.ts";
import { scanKernels } from "./engine/kernels.ts";
import { exactVectors } from "./export/exact-vectors.ts";

/**
 * @returns null for a bundle without its training examples or their calibration
 * @throws InputError naming the file, if one can't be read
 */
export async function readMemorisationTest(bundle: Bundle): Promise<MemorisationTest | null> {
  const { neighbours, calibration } = bundle.manifest;
  if (!neighbours || !calibration) return null;
  const search = await openTrainingSearch(
    { ...bundle.manifest, neighbours },
    {
      readFile: bundle.read,
      readInto: async (file, target) => target.set(await bundle.read(file)),
      async readPage({ file, offset, length }) {
        const handle = await open(join(bundle.directory, file));
        try {
          const bytes = new Uint8Array(length);
          await handle.read(bytes, 0, length, offset);
          return bytes;
        } finally {
          await handle.close();
        }
      },
    },
    scanKernels(),
    neighbours.index?.kind === "vectorize" ? await vectorsOfRows(bundle, neighbours) : null,
  );
  return {
    search,
    calibration,
    nullStatistics: new Float32Array((await bundle.read(calibration.file)).buffer),
    siblings: neighbours.siblingsFile
      ? new Float32Array((await bundle.read(neighbours.siblingsFile)).buffer)
      : null,
  };
}

async function vectorsOfRows(bundle: Bundle, { shards }: NonNullable<Bundle["manifest"]["neighbours"]>) {
  const rows = await Promise.all(shards.map(({ file }) => bundle.read(file)));
  return exactVectors(Buffer.concat(rows), bundle.manifest.output.shape);
}
