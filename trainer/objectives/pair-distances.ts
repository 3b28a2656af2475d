/** Distances of samples to examples, pair by pair, by the distance that search and loss use. */

import { input } from "../autodiff/tensor.ts";
import type { Distance } from "../distances/distance.ts";
import type { Engine, Executable } from "../engine/engine.ts";
import { padRows } from "../engine/padding.ts";

const BLOCK_ROWS = 512;

export interface PairDistances {
  /** Of sample i to example rows[i], for every i. */
  between(samples: Float32Array<ArrayBuffer>, rows: Int32Array): Promise<Float32Array<ArrayBuffer>>;
  dispose(): Promise<void>;
}

export interface PairDistancesRequest {
  readonly engine: Engine;
  readonly distance: Distance;
  /** Numbers in a sample. */
  readonly length: number;
  /** Examples by their rows: [rows.length, length]. */
  gather(rows: ArrayLike<number>): Promise<Float32Array<ArrayBuffer>>;
}

export function createPairDistances({
  engine,
  distance,
  length,
  gather,
}: PairDistancesRequest): PairDistances {
  let program: Promise<Executable> | undefined;
  const compiled = () =>
    (program ??= engine.compile({
      distances: distance.paired(
        input("samples", [BLOCK_ROWS, length]),
        input("targets", [BLOCK_ROWS, length]),
      ),
    }));
  return {
    async between(samples, rows) {
      const all = new Float32Array(rows.length);
      const { run } = await compiled();
      for (let first = 0; first < all.length; first += BLOCK_ROWS) {
        const count = Math.min(BLOCK_ROWS, all.length - first);
        const { distances } = await run({
          samples: padRows(samples.subarray(first * length, (first + count) * length), length, BLOCK_ROWS),
          targets: padRows(await gather(rows.subarray(first, first + count)), length, BLOCK_ROWS),
        });
        all.set((distances as Float32Array).subarray(0, count), first);
      }
      return all;
    },
    async dispose() {
      await (await program)?.dispose();
    },
  };
}
