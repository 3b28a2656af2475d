/**
 * Search of one tile after the other, in which a lower bound rules out most points, and distances are computed to
 * the rest.
 */

import type { Engine } from "../engine/engine.ts";
import { createLowerBound } from "./lower-bound.ts";
import { createReranker } from "./reranker.ts";
import type { SearchOptions } from "./searcher.ts";

export interface PruningSettings {
  /** Numbers in a projected point, at most; see `LowerBoundOptions`. */
  readonly width: number;
  /** See `LowerBoundOptions`. */
  readonly alignment: number;
}

export interface Pruning {
  /** The most points that a tile may have. */
  readonly tileRows: number;
  /** A search that has seen no points yet; its bound is fitted to some of the queries and the points. */
  start(queries: Float32Array<ArrayBuffer>, points: Float32Array<ArrayBuffer>): Promise<PrunedScan>;
  dispose(): Promise<void>;
}

export interface PrunedScan {
  /**
   * Compares every query with a tile of points, the first of which has the number `first`.
   *
   * @returns false where the bound rules out too little to be worth it; some queries haven't seen the tile then
   */
  add(first: number, tile: Float32Array<ArrayBuffer>): Promise<boolean>;
  /** The number of the nearest point so far of every query, of equal ones the first; valid until the next search. */
  readonly indices: Int32Array<ArrayBuffer>;
  /** Its squared distance. */
  readonly squaredL2: Float32Array<ArrayBuffer>;
}

/** Measured on 2 cores: 512 × 1,024 bounds stay in the cache until they are looked at. */
const MAX_TILE_ROWS = 1024;
const MAX_BLOCK_ROWS = 512;
/** A distance costs what 20 to 30 of brute force cost: above this share of all it is no gain. */
const WORTHWHILE_SHARE = 1 / 16;
/** Distances that every query may take beside: at first, everything is nearer than what was found so far. */
const FREE_DISTANCES = 64;

export function createPruning(engine: Engine, options: SearchOptions, settings: PruningSettings): Pruning {
  const { length } = options;
  const { tileRows, blockRows } = sizesFor(options);
  const width = Math.min(settings.width, length + 2);
  const lowerBound = createLowerBound(engine, { ...settings, length, width, tileRows, blockRows });
  const reranker = createReranker(length);

  return {
    tileRows,
    async start(queries, points) {
      const queryCount = queries.length / length;
      const bounds = await lowerBound.fit(queries, points);
      const kernel = reranker.start({
        queryCount,
        pointCount: tileRows,
        boundCount: blockRows * tileRows,
      });
      kernel.queries.set(queries);
      kernel.norms.set(bounds.norms);
      let pairs = 0;
      let distances = 0;

      return {
        indices: kernel.indices,
        squaredL2: kernel.best,
        async add(first, tile) {
          const pointCount = tile.length / length;
          await bounds.setTile(tile);
          kernel.points.set(tile);
          for (let start = 0; start < queryCount; start += blockRows) {
            const count = Math.min(blockRows, queryCount - start);
            const { values, stride } = await bounds.ofBlock(start, count);
            kernel.bounds.set(values);
            distances += kernel.run({
              firstQuery: start,
              queryCount: count,
              stride,
              firstPoint: first,
              pointCount,
            });
            pairs += count * pointCount;
            if (distances > WORTHWHILE_SHARE * pairs + FREE_DISTANCES * queryCount) return false;
          }
          return true;
        },
      };
    },
    dispose: () => lowerBound.dispose(),
  };
}

/** Tile and block sizes that fit into `memoryBytes`. */
function sizesFor({ length, memoryBytes }: SearchOptions): { tileRows: number; blockRows: number } {
  let tileRows = MAX_TILE_ROWS;
  let blockRows = MAX_BLOCK_ROWS;
  // A tile is there three times: as it came, squared and in the kernel's memory; bounds twice.
  const bytes = () => 4 * (3 * tileRows * length + 2 * tileRows * blockRows);
  while (bytes() > memoryBytes && tileRows > 16) {
    tileRows /= 2;
    blockRows = Math.max(16, blockRows / 2);
  }
  return { tileRows, blockRows };
}
