/**
 * Exact search of one tile after the other: a matrix product ranks a block of queries against a tile of points,
 * and only each query's best is kept. It runs at the processor's full rate for matrix products: finding the
 * minima took 3 % of the time (1,024 × 4,096 × 784 on 2 cores).
 */

import { peakBytes } from "../autodiff/memory.ts";
import { argMin, reduceMin } from "../autodiff/operators.ts";
import { input } from "../autodiff/tensor.ts";
import type { Distance } from "../distances/distance.ts";
import type { Engine, Executable } from "../engine/engine.ts";
import { paddedRows, padRows } from "../engine/padding.ts";
import type { SearchOptions } from "./searcher.ts";

/** Measured on 2 cores: larger tiles fall out of the cache, smaller ones leave the product short. */
const MAX_TILE_ROWS = 2048;
const MAX_BLOCK_ROWS = 1024;

export interface BruteForce {
  /** The most points that are compared at once; larger tiles are taken in pieces. */
  readonly tileRows: number;
  /** A search that has seen no points yet. */
  start(queries: Float32Array<ArrayBuffer>): Scan;
  dispose(): Promise<void>;
}

export interface Scan {
  /** Compares every query with the points first, first + 1, …: [n, length]. */
  add(first: number, tile: Float32Array<ArrayBuffer>): Promise<void>;
  /** The number of the nearest point so far of every query; of equal ones the first. */
  readonly indices: Int32Array<ArrayBuffer>;
  /** Its distance, less what depends on the query alone (see `Distance.ranking`). */
  readonly ranks: Float32Array<ArrayBuffer>;
}

export function createBruteForce(
  engine: Engine,
  { distance, length, memoryBytes }: SearchOptions,
): BruteForce {
  const programs = new Map<string, Promise<Executable>>();
  /** The program for one block of queries against one tile. */
  const programFor = (blockRows: number, tileRows: number) => {
    const key = `${blockRows}x${tileRows}`;
    let program = programs.get(key);
    if (!program) {
      const ranking = distance.ranking(
        input("queries", [blockRows, length]),
        input("points", [tileRows, length]),
      );
      program = engine.compile({ index: argMin(ranking, 1), rank: reduceMin(ranking, 1) });
      programs.set(key, program);
    }
    return program;
  };
  const { tileRows, blockRows } = tileSizes(distance, length, memoryBytes);

  return {
    tileRows,
    start(queries) {
      const queryCount = queries.length / length;
      const indices = new Int32Array(queryCount);
      const ranks = new Float32Array(queryCount).fill(Number.POSITIVE_INFINITY);

      async function addTile(first: number, tile: Float32Array<ArrayBuffer>): Promise<void> {
        const rows = tile.length / length;
        const paddedTile = paddedRows(rows, tileRows);
        // Padding repeats the tile's first point.
        const points = padRows(tile, length, paddedTile);
        for (let start = 0; start < queryCount; start += blockRows) {
          const blockCount = Math.min(blockRows, queryCount - start);
          const paddedBlock = paddedRows(blockCount, blockRows);
          const block = padRows(
            queries.subarray(start * length, (start + blockCount) * length),
            length,
            paddedBlock,
          );
          const program = await programFor(paddedBlock, paddedTile);
          const { index, rank } = await program.run({ queries: block, points });
          for (let i = 0; i < blockCount; i++) {
            // Strictly smaller: an earlier tile keeps a tie.
            if (rank![i]! < ranks[start + i]!) {
              ranks[start + i] = rank![i]!;
              // Rounding may prefer a copy in the padding: it means the point that it repeats.
              indices[start + i] = first + (index![i]! < rows ? index![i]! : 0);
            }
          }
        }
      }

      return {
        indices,
        ranks,
        async add(first, points) {
          for (let at = 0; at < points.length; at += tileRows * length) {
            await addTile(first + at / length, points.subarray(at, at + tileRows * length));
          }
        },
      };
    },
    async dispose() {
      for (const program of programs.values()) await (await program).dispose();
      programs.clear();
    },
  };
}

/** Block and tile sizes whose ranking, queries and points fit into `memoryBytes`. */
function tileSizes(
  distance: Distance,
  length: number,
  memoryBytes: number,
): { tileRows: number; blockRows: number } {
  let tileRows = MAX_TILE_ROWS;
  let blockRows = MAX_BLOCK_ROWS;
  const ranking = () =>
    distance.ranking(input("queries", [blockRows, length]), input("points", [tileRows, length]));
  // An engine's allocator rounds up.
  const bytes = () => 2 * peakBytes([ranking()]);
  while (bytes() > memoryBytes && tileRows > 16) {
    tileRows /= 2;
    blockRows /= 2;
  }
  return { tileRows, blockRows };
}
