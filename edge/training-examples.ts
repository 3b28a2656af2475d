/** Loads what the memorisation check needs. */

import { BundleError, type Manifest } from "../shared/manifest.ts";
import type { MemorisationTest } from "../shared/memorisation-check.ts";
import type { NeighbourScan } from "../shared/neighbour-scan.ts";
import { createTrainingScan, type ScanKernels } from "../shared/training-scan.ts";
import type { ReadFile } from "./generator.ts";
import { Problem } from "./problem.ts";

/** What the memorisation check needs. */
export interface TrainingExamples extends MemorisationTest {
  /** The class name of a training example, or null where there are no classes. */
  labelOf(index: number): string | null;
}

/** Streams a file of the bundle into its place, verified against the manifest. */
export type ReadInto = (path: string, target: Uint8Array<ArrayBuffer>) => Promise<void>;

export interface TrainingExamplesSource {
  readonly manifest: Manifest;
  readonly readFile: ReadFile;
  readonly readInto: ReadInto;
  readonly scanKernels: ScanKernels;
}

/** What `loadTrainingExamples` takes, in bytes, as far as the manifest tells before anything is laid out. */
export function trainingBytes({ neighbours, files, output }: Manifest): number {
  if (!neighbours) return 0;
  const beside = files.filter(({ path }) => /^(train\.labels|train\.siblings|calibration)\./.test(path));
  const rows = neighbours.rowCount * neighbours.rowLength * (neighbours.dtype === "uint8" ? 1 : 4);
  // Images have their means beside them; see shared/image-scan.ts.
  const scan = output.kind === "image" ? rows * 1.5 : rows;
  return scan + beside.reduce((sum, { bytes }) => sum + bytes, 0);
}

export async function loadTrainingExamples(source: TrainingExamplesSource): Promise<TrainingExamples> {
  const { manifest, readFile } = source;
  const { neighbours, calibration, labels } = manifest;
  if (!neighbours || !calibration) {
    throw new Problem(
      "no-training-examples",
      `model "${manifest.name}" was exported without its ${neighbours ? "calibration" : "training examples"}, ` +
        "so nothing can be compared with them; export it with them to ask for neighbours",
    );
  }
  const { labelsFile, siblingsFile, rowCount } = neighbours;
  const scan = await loadScan(source, neighbours);
  if (calibration.statistic === "aligned-ratio" && !scan.alignedDistances) {
    throw new BundleError(
      `${manifest.name}/manifest.json: statistic "aligned-ratio", but ${manifest.output.shape.join("×")} ` +
        `${neighbours.dtype} rows can't be aligned. Export the model again.`,
    );
  }
  const [labelBytes, siblingBytes, nullBytes] = await Promise.all([
    labelsFile && readFile(labelsFile),
    siblingsFile && readFile(siblingsFile),
    readFile(calibration.file),
  ]);
  const classes = labelBytes ? new Uint16Array(labelBytes.buffer, 0, rowCount) : null;
  return {
    scan,
    siblings: siblingBytes ? new Float32Array(siblingBytes.buffer, 0, rowCount) : null,
    labelOf: (index) => (classes && labels ? (labels[classes[index]!] ?? null) : null),
    calibration,
    nullStatistics: new Float32Array(nullBytes.buffer),
  };
}

async function loadScan(
  { manifest, readInto, scanKernels }: TrainingExamplesSource,
  { dtype, rowCount, shards }: NonNullable<Manifest["neighbours"]>,
): Promise<NeighbourScan> {
  const inShards = shards.reduce((sum, shard) => sum + shard.rowCount, 0);
  if (inShards !== rowCount) {
    throw new BundleError(
      `${manifest.name}/manifest.json: ${rowCount} training examples, but ${inShards} in its shards. Export the model again.`,
    );
  }
  const scan = createTrainingScan(scanKernels, { dtype, rowCount, shape: manifest.output.shape });
  const rowBytes = scan.rows.byteLength / rowCount;
  let first = 0;
  // One after the other: the hash needs a copy of what it reads, and that is a shard of at most 24 MiB.
  for (const shard of shards) {
    const target = scan.rows.subarray(first * rowBytes, (first + shard.rowCount) * rowBytes);
    await readInto(shard.file, target);
    first += shard.rowCount;
  }
  return scan;
}
