/**
 * Candidates from a vector database, for training sets that no isolate holds. It has every image's means over 2×2
 * pixels (pooled-rows.ts), in a namespace of the model's version.
 *
 * Cloudflare's Vectorize: vectors of up to 1,536 float32, up to 10 million an index, 100 results a query as long as
 * neither values nor metadata are asked for. https://developers.cloudflare.com/vectorize/platform/limits/
 */

import { movedImages, POSITIONS } from "./aligned-distance.ts";
import type { CandidateIndex } from "./candidate-index.ts";
import { BundleError } from "./manifest.ts";
import { cellsOf, pooledStride, poolRows } from "./pooled-rows.ts";

export const MAX_DIMENSIONS = 1536;
const MAX_RESULTS = 100;

/** Means over 2×2 pixels have the nearest among the first 9 (MNIST, CIFAR-10, 200,000 glyphs), and find it approximately. */
const DEPTH = { nearest: 8, spare: 7, aligned: 8, similar: 8 };

/** Of a row's vector: a version doesn't overwrite another's. */
export const vectorId = (version: string, row: number) => `${version}/${row}`;
const rowOf = (id: string) => Number(id.slice(id.lastIndexOf("/") + 1));

/** What is used of the database, as Vectorize's binding has it; scores are Euclidean distances. */
export interface VectorDatabase {
  query(
    vector: Float32Array,
    options: { topK: number; namespace: string; returnValues: false; returnMetadata: "none" },
  ): Promise<{ readonly matches: readonly { readonly id: string; readonly score: number }[] }>;
}

/** What an image has for its vector. */
export function vectorsOf(
  module: WebAssembly.Module,
  images: Uint8Array,
  shape: readonly number[],
): Float32Array<ArrayBuffer>[] {
  const stride = pooledStride(shape);
  const cells = cellsOf(shape, 2);
  const pooled = poolRows(module, images, shape);
  return Array.from({ length: pooled.length / stride }, (_, i) =>
    Float32Array.from(pooled.subarray(i * stride, i * stride + cells)),
  );
}

/**
 * @param module    kernels/build/pooled.wasm, compiled
 * @param namespace the model's version
 */
export function createVectorIndex(
  database: VectorDatabase,
  module: WebAssembly.Module,
  rowCount: number,
  shape: readonly number[],
  namespace: string,
): CandidateIndex {
  const rowLength = shape.reduce((product, size) => product * size, 1);
  const ask = async (vector: Float32Array, wanted: number) => {
    const topK = Math.min(wanted, MAX_RESULTS);
    const options = { topK, namespace, returnValues: false, returnMetadata: "none" } as const;
    let matches: Awaited<ReturnType<VectorDatabase["query"]>>["matches"];
    try {
      ({ matches } = await database.query(vector, options));
    } catch (error) {
      throw new BundleError(`Vectorize: can't be asked now (${(error as Error).message}). Try again.`);
    }
    if (matches.length >= Math.min(topK, rowCount)) return matches;
    // Vectors become visible some time after they were stored. Without all of them a verdict would be wrong.
    throw new BundleError(
      `Vectorize: ${matches.length} of ${topK} vectors of version ${namespace} visible. Try again soon, or deploy the model again.`,
    );
  };
  return {
    memoryBytes: 0,
    depth: DEPTH,
    async candidates(query, counts, exclude) {
      const moved = new Uint8Array(POSITIONS.length * rowLength);
      movedImages(query as Uint8Array, shape, moved);
      const others = exclude === undefined ? 0 : 1;
      const answers = await Promise.all(
        vectorsOf(module, moved, shape).map((vector, position) =>
          ask(vector, (position === 0 ? Math.max(counts.nearest, counts.similar) : counts.similar) + others),
        ),
      );
      return {
        nearest: rowsOf(answers[0]!, counts.nearest, exclude),
        similar: rowsOf(
          answers.flat().sort((a, b) => a.score - b.score),
          counts.similar,
          exclude,
        ),
      };
    },
  };
}

/** The first rows that are named, each once. */
function rowsOf(
  matches: readonly { readonly id: string }[],
  count: number,
  exclude: number | undefined,
): Uint32Array<ArrayBuffer> {
  const rows = new Set(matches.map(({ id }) => rowOf(id)));
  if (exclude !== undefined) rows.delete(exclude);
  return Uint32Array.from([...rows].slice(0, count));
}
