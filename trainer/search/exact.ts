/**
 * Exact search on the engine: a matrix product ranks a block of queries against a tile of points, and only
 * each query's best is kept. For points that are thrown away after one search it beats every index: there is
 * nothing to build, and a product runs at the processor's full rate.
 */

import { argMin, reduceMin } from "../autodiff/operators.ts";
import { input } from "../autodiff/tensor.ts";
import type { Executable } from "../engine/engine.ts";
import { paddedRows, padRows } from "../engine/padding.ts";
import { searchMadePoints } from "./made-points.ts";
import type { Searcher } from "./searcher.ts";

/** Measured on 2 cores: larger tiles fall out of the cache, smaller ones leave the product short. */
const MAX_TILE_ROWS = 2048;
const MAX_BLOCK_ROWS = 1024;

export const exact: Searcher = {
  name: "exact",
  distances: ["l2"],
  exact: true,
  prepare(engine, options) {
    const { distance, length, memoryBytes } = options;
    const onDevice = searchMadePoints(engine, options);
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
    const { tileRows, blockRows } = tileSizes(length, memoryBytes);

    return {
      async nearest(queries, points) {
        // On the host a tile is handed over at no cost, and made once for all blocks of queries.
        if (engine.device === "gpu" && points.made) {
          return onDevice.nearest(queries, points.count, points.made);
        }
        const queryCount = queries.length / length;
        const indices = new Int32Array(queryCount);
        const best = new Float32Array(queryCount).fill(Number.POSITIVE_INFINITY);
        for (let first = 0; first < points.count; first += tileRows) {
          const rows = Math.min(tileRows, points.count - first);
          const paddedTile = paddedRows(rows, tileRows);
          // Padding repeats the tile's first point.
          const tile = padRows(await points.tile(first, rows), length, paddedTile);
          for (let start = 0; start < queryCount; start += blockRows) {
            const blockCount = Math.min(blockRows, queryCount - start);
            const paddedBlock = paddedRows(blockCount, blockRows);
            const block = padRows(
              queries.subarray(start * length, (start + blockCount) * length),
              length,
              paddedBlock,
            );
            const program = await programFor(paddedBlock, paddedTile);
            const { index, rank } = await program.run({ queries: block, points: tile });
            for (let i = 0; i < blockCount; i++) {
              // Strictly smaller: an earlier tile keeps a tie.
              if (rank![i]! < best[start + i]!) {
                best[start + i] = rank![i]!;
                // Rounding may prefer a copy in the padding: it means the point that it repeats.
                indices[start + i] = first + (index![i]! < rows ? index![i]! : 0);
              }
            }
          }
        }
        return { indices };
      },
      async dispose() {
        for (const program of programs.values()) await (await program).dispose();
        programs.clear();
        await onDevice.dispose();
      },
    };
  },
};

/** Block and tile sizes whose ranking, queries and points fit into `memoryBytes`. */
function tileSizes(length: number, memoryBytes: number): { tileRows: number; blockRows: number } {
  let tileRows = MAX_TILE_ROWS;
  let blockRows = MAX_BLOCK_ROWS;
  const bytes = () => 4 * (tileRows * blockRows + (tileRows + blockRows) * length);
  while (bytes() > memoryBytes && tileRows > 16) {
    tileRows /= 2;
    blockRows /= 2;
  }
  return { tileRows, blockRows };
}
