/**
 * Exact search by comparing everything with everything. For points that are thrown away after one search it
 * beats every index: there is nothing to build.
 */

import { createBruteForce } from "./brute-force.ts";
import { searchMadePoints } from "./made-points.ts";
import type { Searcher } from "./searcher.ts";

export const exact: Searcher = {
  name: "exact",
  distances: "any",
  exact: true,
  prepare(engine, options) {
    const bruteForce = createBruteForce(engine, options);
    const onDevice = searchMadePoints(engine, options);
    const { tileRows } = bruteForce;
    return {
      async nearest(queries, points) {
        // On the host a tile is handed over at no cost, and made once for all blocks of queries.
        if (engine.device === "gpu" && points.made) {
          return onDevice.nearest(queries, points.count, points.made);
        }
        const scan = bruteForce.start(queries);
        for (let first = 0; first < points.count; first += tileRows) {
          await scan.add(first, await points.tile(first, Math.min(tileRows, points.count - first)));
        }
        return { indices: scan.indices };
      },
      async dispose() {
        await bruteForce.dispose();
        await onDevice.dispose();
      },
    };
  },
};
