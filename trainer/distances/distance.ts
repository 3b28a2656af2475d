/**
 * A distance between examples, as symbolic functions: the same one ranks candidates in the search and is the
 * loss of the matched pairs, so that the two cannot drift apart.
 */

import type { Tensor } from "../autodiff/tensor.ts";
import type { Config } from "../config.ts";
import type { Rows } from "../data/dataset.ts";
import type { ModelSpace } from "../data/model-space.ts";
import type { Engine } from "../engine/engine.ts";

export interface Distance {
  readonly name: string;
  /** Distance of row i of `a` to row i of `b`: [n, d], [n, d] → [n]. Differentiable. */
  paired(a: Tensor, b: Tensor): Tensor;
  /** What `paired` gives for two that lie so far apart: a distance may be trained on as its square. */
  pairedAt(radius: number): number;
  /**
   * Something that orders `points` by their distance from each query: [n, d], [m, d] → [n, m].
   * Differs from the distance by what depends on the query alone.
   */
  ranking(queries: Tensor, points: Tensor): Tensor;
  /** Where the distance is the squared L2 distance of what both are mapped to: the map. Searches are fastest there. */
  readonly embedding: Embedding | null;
}

export interface Embedding {
  /** Numbers in what an example is mapped to. */
  readonly length: number;
  /** [n, d] → [n, length]; null: an example is its own. Differentiable. */
  readonly of: ((examples: Tensor) => Tensor) | null;
}

/** A member of the registry: some distances take the data, or a model that is fitted to them first. */
export interface DistanceKind {
  readonly name: string;
  /**
   * Gets ready to measure.
   *
   * @throws InputError if it can't measure such data
   */
  prepare(context: DistanceContext): Promise<Distance>;
}

export interface DistanceContext {
  readonly engine: Engine;
  readonly train: Rows;
  /** Of an example: [height, width, channels] for images, [length] for vectors. */
  readonly shape: readonly number[];
  readonly space: ModelSpace;
  readonly config: Config;
}
