/** The search that a bundle's training rows are given, from the bundle's own files. */

import type { CandidateIndex } from "./candidate-index.ts";
import { createIndexedSearch } from "./indexed-search.ts";
import { BundleError, type Manifest } from "./manifest.ts";
import type { NeighbourScanSpec, NeighbourSearch } from "./neighbour-scan.ts";
import { isPoolable } from "./pooled-rows.ts";
import { createPrincipalIndex } from "./principal-index.ts";
import { createRowReader, type RowPage } from "./row-pages.ts";
import { createTrainingScan, type ScanKernels } from "./training-scan.ts";
import { createVectorIndex, type VectorDatabase } from "./vector-index.ts";

/** How a bundle's files are read; all verified against the manifest, but for pages, which have hashes of their own. */
export interface BundleFiles {
  readFile(file: string): Promise<Uint8Array<ArrayBuffer>>;
  /** Into its place, which has as many bytes. */
  readInto(file: string, target: Uint8Array<ArrayBuffer>): Promise<void>;
  /** In memory of its own. */
  readPage(page: RowPage): Promise<Uint8Array<ArrayBuffer>>;
}

type Neighbours = NonNullable<Manifest["neighbours"]>;
type PrincipalSpec = Extract<Neighbours["index"], { kind: "principal" }>;

/** Pages of rows that were read last. */
const PAGE_CACHE_BYTES = 2 ** 20;

/** What `openTrainingSearch` takes of memory, as far as the manifest tells. */
export function searchBytes({ neighbours, files, output }: Manifest): number {
  if (!neighbours) return 0;
  const { index, rowCount, rowLength, dtype } = neighbours;
  if (index && index.kind !== "hnsw") {
    const parts = index.kind === "principal" ? index.files : [];
    const held = files.filter(({ path }) => parts.includes(path) || path === index.pagesFile);
    return held.reduce((sum, { bytes }) => sum + bytes, PAGE_CACHE_BYTES) * INDEX_OVERHEAD;
  }
  const rows = rowCount * rowLength * (dtype === "uint8" ? 1 : 4);
  return output.kind === "image" ? rows * SCAN_OVERHEAD : rows;
}

/** Four numbers a row beside the index, and lists of rows. */
const INDEX_OVERHEAD = 1.3;
/** Means over 2×2 and 4×4 pixels and numbers a row, beside the rows. */
const SCAN_OVERHEAD = 1.5;

/**
 * @param vectors where the index lies, if it is one of Vectorize's; null: there is none here
 * @throws BundleError if the manifest contradicts itself, or names a database that isn't there; what reading throws
 */
export async function openTrainingSearch(
  {
    name,
    version,
    neighbours,
    output,
  }: Pick<Manifest, "name" | "version" | "output"> & { readonly neighbours: Neighbours },
  files: BundleFiles,
  kernels: ScanKernels,
  vectors: VectorDatabase | null,
): Promise<NeighbourSearch> {
  const { dtype, rowCount, shards, index } = neighbours;
  const inShards = shards.reduce((sum, shard) => sum + shard.rowCount, 0);
  if (inShards !== rowCount) {
    throw new BundleError(
      `${name}/manifest.json: ${rowCount} training examples, but ${inShards} in its shards. Export the model again.`,
    );
  }
  const spec: NeighbourScanSpec = { dtype, rowCount, shape: output.shape };
  if (index && index.kind !== "hnsw") {
    if (index.kind === "pooled") {
      throw new BundleError(
        `${name}/manifest.json: an index of means, which isn't searched any more. Export the model again.`,
      );
    }
    if (!isPoolable(spec)) {
      throw new BundleError(
        `${name}/manifest.json: an index of images, but ${output.shape.join("×")} ${dtype} rows are none. Export the model again.`,
      );
    }
    const reader = createRowReader({
      name,
      neighbours,
      pageRows: index.pageRows,
      hashes: await files.readFile(index.pagesFile),
      readPage: files.readPage,
      cacheBytes: PAGE_CACHE_BYTES,
    });
    if (index.kind === "vectorize" && !vectors) {
      throw new BundleError(
        `${name}/manifest.json: searched by Vectorize, but there is no index bound to VECTORS. See wrangler.toml.`,
      );
    }
    const candidates =
      index.kind === "vectorize"
        ? createVectorIndex(vectors!, kernels.pooled, rowCount, output.shape, version)
        : await openPrincipal(spec, index, files, kernels);
    return createIndexedSearch({ ...spec, reader, kernels, aligns: true, index: candidates });
  }
  const scan = createTrainingScan(kernels, spec);
  const rowBytes = scan.rows.byteLength / rowCount;
  await fill(
    scan.rows,
    shards.map((shard) => ({ file: shard.file, bytes: shard.rowCount * rowBytes })),
    files,
  );
  return scan;
}

async function openPrincipal(
  { rowCount, shape }: NeighbourScanSpec,
  { files: parts }: PrincipalSpec,
  files: BundleFiles,
  kernels: ScanKernels,
): Promise<CandidateIndex> {
  const index = createPrincipalIndex(kernels.principal, rowCount, shape);
  const whole = index.bytes.length;
  const partBytes = Math.ceil(whole / parts.length);
  await fill(
    index.bytes,
    parts.map((file, i) => ({ file, bytes: Math.min(partBytes, whole - i * partBytes) })),
    files,
  );
  return index;
}

/** One file after the other: a hash needs a copy of what it reads, and that is a file of at most 24 MiB. */
async function fill(
  memory: Uint8Array<ArrayBuffer>,
  parts: readonly { readonly file: string; readonly bytes: number }[],
  files: BundleFiles,
): Promise<void> {
  let offset = 0;
  for (const { file, bytes } of parts) {
    await files.readInto(file, memory.subarray(offset, offset + bytes));
    offset += bytes;
  }
}
