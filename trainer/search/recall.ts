/** How often an approximate searcher finds the nearest point, measured while it runs. */

import { createBruteForce } from "./brute-force.ts";
import type { Searcher } from "./searcher.ts";

/** Queries of every search that are also searched exactly; all, if there are fewer. */
const SAMPLE = 64;

/** The same searcher, which also tells its recall. */
export function withMeasuredRecall(searcher: Searcher): Searcher {
  return {
    ...searcher,
    prepare(engine, options) {
      const { length } = options;
      const half = { ...options, memoryBytes: options.memoryBytes / 2 };
      const search = searcher.prepare(engine, half);
      const bruteForce = createBruteForce(engine, half);
      return {
        async nearest(queries, points) {
          const rows = evenly(queries.length / length, SAMPLE);
          const sample = new Float32Array(rows.length * length);
          rows.forEach((row, i) => {
            sample.set(queries.subarray(row * length, (row + 1) * length), i * length);
          });
          const scan = bruteForce.start(sample);
          const matches = await search.nearest(queries, {
            count: points.count,
            async tile(first, count) {
              const tile = await points.tile(first, count);
              await scan.add(first, tile);
              return tile;
            },
          });
          if (rows.length === 0) return matches;
          const found = rows.filter((row, i) => matches.indices[row] === scan.indices[i]).length;
          return { ...matches, recall: found / rows.length };
        },
        async dispose() {
          await search.dispose();
          await bruteForce.dispose();
        },
      };
    },
  };
}

/** `wanted` of the numbers 0 … count − 1, evenly spread; all of them, if there are fewer. */
function evenly(count: number, wanted: number): number[] {
  const taken = Math.min(count, wanted);
  return Array.from({ length: taken }, (_, i) => Math.floor((i * count) / taken));
}
