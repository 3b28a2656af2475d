/** Searches that are wrong in a known way, to see what that does to a training. */

import { createRandom } from "../../shared/random.ts";
import { smallest } from "../../trainer/autodiff/operators.ts";
import { input } from "../../trainer/autodiff/tensor.ts";
import type { Executable } from "../../trainer/engine/engine.ts";
import { padRows } from "../../trainer/engine/padding.ts";
import type { Searcher } from "../../trainer/search/searcher.ts";

const BLOCK_ROWS = 256;
const TILE_ROWS = 1024;

export interface Inexactness {
  /** The share of queries that get the nearest point; the others get one of the `among` nearest, but the nearest. */
  readonly recall: number;
  /** Nearest points that are drawn from. */
  readonly among: number;
}

/** Exact search that then gives a wrong answer as often as it is told. Which ones is drawn from a seed. */
export function inexactSearcher({ recall, among }: Inexactness): Searcher {
  return {
    name: `recall ${recall} among ${among}`,
    distances: "any",
    exact: false,
    prepare(engine, { distance, length }) {
      const random = createRandom(1).fork("inexact search");
      let searches = 0;
      let program: Promise<Executable> | undefined;
      return {
        async nearest(queries, points) {
          const ranking = () =>
            distance.ranking(input("queries", [BLOCK_ROWS, length]), input("points", [TILE_ROWS, length]));
          program ??= (() => {
            const { values, indices } = smallest(ranking(), among);
            return engine.compile({ values, indices });
          })();
          const { run } = await program;
          const count = queries.length / length;
          const best: { rank: number; index: number }[][] = Array.from({ length: count }, () => []);
          for (let first = 0; first < points.count; first += TILE_ROWS) {
            const rows = Math.min(TILE_ROWS, points.count - first);
            const tile = padRows(await points.tile(first, rows), length, TILE_ROWS).slice();
            for (let start = 0; start < count; start += BLOCK_ROWS) {
              const block = queries.subarray(start * length, Math.min(start + BLOCK_ROWS, count) * length);
              const found = await run({ queries: padRows(block, length, BLOCK_ROWS), points: tile });
              for (let i = 0; i < block.length / length; i++) {
                const own = best[start + i]!;
                for (let j = i * among; j < (i + 1) * among; j++) {
                  const index = found["indices"]![j]!;
                  // Padding repeats the tile's first point.
                  if (index < rows) own.push({ rank: found["values"]![j]!, index: first + index });
                }
                own.sort((a, b) => a.rank - b.rank || a.index - b.index);
                own.length = Math.min(own.length, among);
              }
            }
          }
          const draws = random.fork(searches++);
          const indices = Int32Array.from(best, (nearest) => {
            if (draws.uniform() < recall || nearest.length === 1) return nearest[0]!.index;
            return nearest[1 + draws.below(nearest.length - 1)]!.index;
          });
          return { indices };
        },
        async dispose() {
          await (await program)?.dispose();
        },
      };
    },
  };
}
