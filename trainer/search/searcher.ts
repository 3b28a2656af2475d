/** Nearest-neighbour search over points that are made tile by tile and thrown away after. */

import type { Tensor } from "../autodiff/tensor.ts";
import type { Distance } from "../distances/distance.ts";
import type { Engine, ParameterSource } from "../engine/engine.ts";

export interface Searcher {
  readonly name: string;
  /** Names of the distances that it can search by; any: whatever has a ranking. */
  readonly distances: readonly string[] | "any";
  /** Whether it always finds the nearest point. */
  readonly exact: boolean;
  prepare(engine: Engine, options: SearchOptions): Search;
}

export interface SearchOptions {
  readonly distance: Distance;
  /** Numbers in a point. */
  readonly length: number;
  /** How much the search may hold of points and of what it computes from them at once, in bytes; queries come on top. */
  readonly memoryBytes: number;
}

export interface Search {
  /**
   * The nearest point of every query.
   *
   * @param queries [n, length] float32, row-major; the caller keeps ownership
   */
  nearest(queries: Float32Array<ArrayBuffer>, points: PointSource): Promise<Matches>;
  dispose(): Promise<void>;
}

/** Points by number; asked for once each, in ascending runs. */
export interface PointSource {
  readonly count: number;
  /** Points first … first + count − 1, [count, length]; valid until the next call. */
  tile(first: number, count: number): Promise<Float32Array<ArrayBuffer>>;
  /** How a program makes them, where one does: a search on a GPU then makes them there, and none travels. */
  readonly made?: MadePoints;
}

/** Points that a program makes from latents. */
export interface MadePoints {
  readonly maker: PointMaker;
  /** What points first … first + count − 1 are made from, [count, latentSize]. */
  latents(first: number, count: number): Float32Array<ArrayBuffer>;
}

/** The same object for as long as the program is the same, so that a search compiles it once. */
export interface PointMaker {
  readonly latentSize: number;
  /** [n, latentSize] → [n, length] */
  apply(latents: Tensor): Tensor;
  readonly parameters: ParameterSource;
}

export interface Matches {
  /** The number of the nearest point of every query; ties in the engine's arithmetic go to the lower number. */
  readonly indices: Int32Array<ArrayBuffer>;
  /** The share of a sample of the queries whose answer is the nearest point; where the search only approximates. */
  readonly recall?: number;
}

/** Points that are in memory already: [count, length]. */
export function pointsInMemory(values: Float32Array<ArrayBuffer>, length: number): PointSource {
  return {
    count: values.length / length,
    tile: async (first, count) => values.subarray(first * length, (first + count) * length),
  };
}
