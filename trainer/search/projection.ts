/**
 * Search in few dimensions first: a lower bound of every distance, by the data's principal directions, and the
 * distance itself only where the bound is below that of the nearest so far.
 *
 * Where the bound rules out too little (noise has no principal directions), and where there is too little to
 * search, it is brute force.
 */

import { createBruteForce, type Scan } from "./brute-force.ts";
import { createPruning, type PrunedScan, type PruningSettings } from "./pruned-scan.ts";
import type { Searcher } from "./searcher.ts";

export interface ProjectionSettings extends PruningSettings {
  readonly name: string;
  /** Pairs of queries and points below which projecting costs more than it saves. */
  readonly worthwhilePairs: number;
}

/** A searcher by projection; exact if its bound always holds, at alignment 1. */
export function projectionSearcher(settings: ProjectionSettings): Searcher {
  return {
    name: settings.name,
    distances: ["l2"],
    exact: settings.alignment === 1,
    prepare(engine, options) {
      const { length } = options;
      const half = { ...options, memoryBytes: options.memoryBytes / 2 };
      const bruteForce = createBruteForce(engine, half);
      const pruning = createPruning(engine, half, settings);
      const { tileRows } = pruning;
      return {
        async nearest(queries, points) {
          const worthwhile = (queries.length / length) * points.count >= settings.worthwhilePairs;
          let pruned: PrunedScan | null = null;
          let rest: Scan | null = worthwhile ? null : bruteForce.start(queries);
          for (let first = 0; first < points.count; first += tileRows) {
            const tile = await points.tile(first, Math.min(tileRows, points.count - first));
            if (!rest) {
              pruned ??= await pruning.start(queries, tile);
              if (await pruned.add(first, tile)) continue;
              rest = bruteForce.start(queries);
            }
            await rest.add(first, tile);
          }
          if (pruned && rest) return { indices: nearerOf(queries, pruned, rest) };
          return { indices: pruned ? pruned.indices.slice() : rest!.indices };
        },
        async dispose() {
          await bruteForce.dispose();
          await pruning.dispose();
        },
      };
    },
  };
}

/** Below this many pairs of queries and points, fitting the projection costs more than it saves. */
const WORTHWHILE_PAIRS = 2 ** 23;

/** 32 to 80 take the same time, and half of 128's (2,000 × 20,000 × 784 and 2,000 × 50,000 × 3,072, one thread). */
const WIDTH = 64;

/** Exact: leaves out only what the bound rules out for certain. */
export const pruned = projectionSearcher({
  name: "pruned",
  width: WIDTH,
  alignment: 1,
  worthwhilePairs: WORTHWHILE_PAIRS,
});

/** Approximate: leaves out what the bound rules out in all likelihood. */
export const projection = projectionSearcher({
  name: "projection",
  width: WIDTH,
  alignment: 0.5,
  worthwhilePairs: WORTHWHILE_PAIRS,
});

/** For every query what is nearer, found in earlier points or in later ones; of equals the earlier. */
function nearerOf(queries: Float32Array, earlier: PrunedScan, later: Scan): Int32Array<ArrayBuffer> {
  const count = earlier.indices.length;
  const length = queries.length / count;
  return earlier.indices.map((index, i) => {
    let norm = 0;
    for (let j = i * length; j < (i + 1) * length; j++) norm += queries[j]! ** 2;
    return later.ranks[i]! + norm < earlier.squaredL2[i]! ? later.indices[i]! : index;
  });
}
