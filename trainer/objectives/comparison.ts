/**
 * Where samples and examples are compared: among their own numbers, or, where the distance is the squared L2 distance
 * of embeddings, among those. There every searcher works, and what is compared is mapped once and not for each pair.
 */

import { input, type Tensor } from "../autodiff/tensor.ts";
import type { Distance } from "../distances/distance.ts";
import { l2Of } from "../distances/squared-l2.ts";
import type { Engine, Executable } from "../engine/engine.ts";
import { padRows } from "../engine/padding.ts";

const BLOCK_ROWS = 512;

export interface Comparison {
  /** Of what is compared; by the name that searchers know. */
  readonly distance: Distance;
  /** Numbers in what is compared. */
  readonly length: number;
  /** Samples or examples [n, d] as they are compared: [n, length]. */
  map(rows: Tensor): Tensor;
  /** The same, of numbers. */
  mapped(rows: Float32Array<ArrayBuffer>): Promise<Float32Array<ArrayBuffer>>;
  dispose(): Promise<void>;
}

/** @param length numbers in a sample */
export function createComparison(engine: Engine, distance: Distance, length: number): Comparison {
  const { embedding } = distance;
  if (!embedding?.of) {
    return { distance, length, map: (rows) => rows, mapped: async (rows) => rows, async dispose() {} };
  }
  const { of } = embedding;
  let program: Promise<Executable> | undefined;
  return {
    distance: l2Of(embedding.length),
    length: embedding.length,
    map: of,
    async mapped(rows) {
      program ??= engine.compile({ embedded: of(input("rows", [BLOCK_ROWS, length])) });
      const { run } = await program;
      const count = rows.length / length;
      const result = new Float32Array(count * embedding.length);
      for (let first = 0; first < count; first += BLOCK_ROWS) {
        const block = rows.subarray(first * length, Math.min(first + BLOCK_ROWS, count) * length);
        const { embedded } = await run({ rows: padRows(block, length, BLOCK_ROWS) });
        const numbers = (block.length / length) * embedding.length;
        result.set((embedded as Float32Array).subarray(0, numbers), first * embedding.length);
      }
      return result;
    },
    async dispose() {
      await (await program)?.dispose();
    },
  };
}
