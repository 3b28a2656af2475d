/** Loads what the memorisation check needs. */

import { BundleError, type Manifest } from "../shared/manifest.ts";
import type { MemorisationTest } from "../shared/memorisation-check.ts";
import type { ScanKernels } from "../shared/training-scan.ts";
import { type BundleFiles, openTrainingSearch, searchBytes } from "../shared/training-search.ts";
import type { VectorDatabase } from "../shared/vector-index.ts";
import { Problem } from "./problem.ts";

/** What the memorisation check needs. */
export interface TrainingExamples extends MemorisationTest {
  /** The class name of a training example, or null where there are no classes. */
  labelOf(index: number): string | null;
}

export interface TrainingExamplesSource {
  readonly manifest: Manifest;
  readonly files: BundleFiles;
  readonly scanKernels: ScanKernels;
  readonly vectors: VectorDatabase | null;
}

/** What `loadTrainingExamples` takes, in bytes, as far as the manifest tells before anything is laid out. */
export function trainingBytes(manifest: Manifest): number {
  const beside = manifest.files.filter(({ path }) =>
    /^(train\.labels|train\.siblings|calibration)\./.test(path),
  );
  return searchBytes(manifest) + beside.reduce((sum, { bytes }) => sum + bytes, 0);
}

export async function loadTrainingExamples({
  manifest,
  files,
  scanKernels,
  vectors,
}: TrainingExamplesSource): Promise<TrainingExamples> {
  const { neighbours, calibration, labels } = manifest;
  if (!neighbours || !calibration) {
    throw new Problem(
      "no-training-examples",
      `model "${manifest.name}" was exported without its ${neighbours ? "calibration" : "training examples"}, ` +
        "so nothing can be compared with them; export it with them to ask for neighbours",
    );
  }
  const { labelsFile, siblingsFile, rowCount } = neighbours;
  const search = await openTrainingSearch({ ...manifest, neighbours }, files, scanKernels, vectors);
  if (calibration.statistic === "aligned-ratio" && search.alignedNeighbourhood === 0) {
    throw new BundleError(
      `${manifest.name}/manifest.json: statistic "aligned-ratio", but ${manifest.output.shape.join("×")} ` +
        `${neighbours.dtype} rows can't be aligned. Export the model again.`,
    );
  }
  const [labelBytes, siblingBytes, nullBytes] = await Promise.all([
    labelsFile && files.readFile(labelsFile),
    siblingsFile && files.readFile(siblingsFile),
    files.readFile(calibration.file),
  ]);
  const classes = labelBytes ? new Uint16Array(labelBytes.buffer, 0, rowCount) : null;
  return {
    search,
    siblings: siblingBytes ? new Float32Array(siblingBytes.buffer, 0, rowCount) : null,
    labelOf: (index) => (classes && labels ? (labels[classes[index]!] ?? null) : null),
    calibration,
    nullStatistics: new Float32Array(nullBytes.buffer),
  };
}
