/**
 * A distance between examples, as symbolic functions: the same one ranks candidates in the search and is the
 * loss of the matched pairs, so that the two cannot drift apart.
 */

import type { Tensor } from "../autodiff/tensor.ts";

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
}
