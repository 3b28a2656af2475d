/**
 * Exact search over points that a program makes, where they are made: latents go to the device, the best point of
 * every query comes back, and no point travels. One run takes many tiles, because on a GPU a run costs more
 * than a tile.
 */

import { peakBytes } from "../autodiff/memory.ts";
import { argMin, reduceMin, slice } from "../autodiff/operators.ts";
import { input, type Tensor } from "../autodiff/tensor.ts";
import type { Engine, Executable } from "../engine/engine.ts";
import { padRows } from "../engine/padding.ts";
import type { MadePoints, Matches, PointMaker, SearchOptions } from "./searcher.ts";

/** Larger ones keep a GPU no busier. */
const MAX_TILE_ROWS = 8192;
const MAX_TILES_PER_RUN = 16;
/** Tiles are as long as a multiple of this, so that pools of changing size share their programs. */
const TILE_STEP = 256;

export interface MadePointsSearch {
  /** The nearest of the first `count` points. */
  nearest(queries: Float32Array<ArrayBuffer>, count: number, points: MadePoints): Promise<Matches>;
  dispose(): Promise<void>;
}

/** How one search is cut up: all blocks, tiles and runs of it are equal. */
interface Plan {
  readonly blockRows: number;
  readonly tileRows: number;
  readonly tiles: number;
}

export function searchMadePoints(engine: Engine, options: SearchOptions): MadePointsSearch {
  const { distance, length } = options;
  const programs = new Map<PointMaker, Map<string, Promise<Executable>>>();

  function programFor(maker: PointMaker, plan: Plan): Promise<Executable> {
    const own = programs.get(maker) ?? new Map<string, Promise<Executable>>();
    programs.set(maker, own);
    const key = `${plan.blockRows} ${plan.tileRows} ${plan.tiles}`;
    let program = own.get(key);
    if (!program) {
      program = engine.compile(bestOfTiles(maker, plan), maker.parameters);
      own.set(key, program);
    }
    return program;
  }

  /** `index0`, `rank0`, `index1`, …: the best of every tile, [blockRows] each. */
  function bestOfTiles({ latentSize, apply }: PointMaker, { blockRows, tileRows, tiles }: Plan) {
    const queries = input("queries", [blockRows, length]);
    const latents = input("latents", [tiles * tileRows, latentSize]);
    const program: Record<string, Tensor> = {};
    for (let tile = 0; tile < tiles; tile++) {
      const ranking = distance.ranking(queries, apply(slice(latents, 0, tile * tileRows, tileRows)));
      program[`index${tile}`] = argMin(ranking, 1);
      program[`rank${tile}`] = reduceMin(ranking, 1);
    }
    return program;
  }

  function planFor(maker: PointMaker, queryCount: number, pointCount: number): Plan {
    let blockRows = queryCount;
    let maxTileRows = MAX_TILE_ROWS;
    const bytes = () =>
      peakBytes(Object.values(bestOfTiles(maker, { blockRows, tileRows: maxTileRows, tiles: 1 })));
    while (bytes() > options.memoryBytes && (maxTileRows > TILE_STEP || blockRows > TILE_STEP)) {
      if (maxTileRows > TILE_STEP && maxTileRows >= blockRows) maxTileRows /= 2;
      else blockRows = Math.ceil(blockRows / 2);
    }
    const allTiles = Math.ceil(pointCount / maxTileRows);
    const tileRows = Math.min(maxTileRows, Math.ceil(pointCount / allTiles / TILE_STEP) * TILE_STEP);
    const runs = Math.ceil(allTiles / MAX_TILES_PER_RUN);
    return { blockRows, tileRows, tiles: Math.ceil(allTiles / runs) };
  }

  return {
    async nearest(queries, count, { maker, latents }) {
      const queryCount = queries.length / length;
      const indices = new Int32Array(queryCount);
      if (queryCount === 0) return { indices };
      const plan = planFor(maker, queryCount, count);
      const { blockRows, tileRows, tiles } = plan;
      const program = await programFor(maker, plan);
      const best = new Float32Array(queryCount).fill(Number.POSITIVE_INFINITY);
      for (let first = 0; first < count; first += tiles * tileRows) {
        const own = latents(first, Math.min(tiles * tileRows, count - first));
        const padded = padRows(own, maker.latentSize, tiles * tileRows);
        for (let start = 0; start < queryCount; start += blockRows) {
          const rows = Math.min(blockRows, queryCount - start);
          const block = padRows(queries.subarray(start * length, (start + rows) * length), length, blockRows);
          const results = await program.run({ queries: block, latents: padded });
          for (let tile = 0; tile < tiles; tile++) {
            const index = results[`index${tile}`]!;
            const rank = results[`rank${tile}`]!;
            for (let i = 0; i < rows; i++) {
              // Strictly smaller: an earlier tile keeps a tie.
              if (rank[i]! < best[start + i]!) {
                best[start + i] = rank[i]!;
                const found = first + tile * tileRows + index[i]!;
                // Padding repeats the run's first point.
                indices[start + i] = found < count ? found : first;
              }
            }
          }
        }
      }
      return { indices };
    },
    async dispose() {
      for (const own of programs.values()) {
        for (const program of own.values()) await (await program).dispose();
      }
      programs.clear();
    },
  };
}
