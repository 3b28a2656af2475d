/**
 * Vectorize, which doesn't run locally, to its documented limits (developers.cloudflare.com/vectorize/platform/limits,
 * read in November 2026): dimensions, lengths of ids and namespaces, batches, results, and that a vector is visible
 * only some time after it was stored. Its search is exact; the real one approximates.
 */

import type { VectorDatabase } from "../shared/vector-index.ts";

interface StoredVector {
  readonly id: string;
  readonly namespace: string;
  readonly values: Float32Array;
}

export interface SimulatedVectorize extends VectorDatabase {
  upsert(vectors: readonly StoredVector[]): Promise<{ readonly mutationId: string }>;
  /** What was stored so far becomes visible. */
  process(): void;
}

const bytes = (text: string) => new TextEncoder().encode(text).length;

function require(holds: boolean, message: string): void {
  if (!holds) throw new Error(`VECTOR_QUERY_ERROR: ${message}`);
}

function distance(a: Float32Array, b: Float32Array): number {
  let squared = 0;
  for (let i = 0; i < a.length; i++) squared += (a[i]! - b[i]!) ** 2;
  return Math.sqrt(squared);
}

export function simulateVectorize(dimensions: number): SimulatedVectorize {
  require(dimensions >= 1 && dimensions <= 1536, "dimensions must be from 1 to 1536");
  const visible = new Map<string, StoredVector>();
  let stored: StoredVector[] = [];
  return {
    async upsert(vectors) {
      require(vectors.length <= 1000, "at most 1000 vectors a batch");
      for (const { id, namespace, values } of vectors) {
        require(bytes(id) <= 64 && bytes(namespace) <= 64, "ids and namespaces have at most 64 bytes");
        require(values.length === dimensions, `expected ${dimensions} dimensions, got ${values.length}`);
      }
      stored.push(...vectors);
      return { mutationId: String(stored.length) };
    },
    process() {
      for (const vector of stored) visible.set(vector.id, vector);
      stored = [];
    },
    async query(vector, { topK, namespace, returnValues, returnMetadata }) {
      require(vector.length === dimensions, `expected ${dimensions} dimensions, got ${vector.length}`);
      const limit = returnValues || returnMetadata !== "none" ? 20 : 100;
      require(topK >= 1 && topK <= limit, `topK must be from 1 to ${limit}`);
      const matches = [...visible.values()]
        .filter((other) => other.namespace === namespace)
        .map(({ id, values }) => ({
          id,
          score: distance(values, vector),
        }))
        .sort((a, b) => a.score - b.score)
        .slice(0, topK);
      return { matches };
    },
  };
}
