/** Equally weighted round Gaussians: the classic test of whether a generator misses modes. */

import { type ProceduralSource, proceduralSource } from "./procedural.ts";

/**
 * @param centres one point a mode, all of the same dimension; a row's label is its mode
 * @param sigma standard deviation of every mode in every direction
 */
export function gaussianMixture(
  name: string,
  centres: readonly (readonly number[])[],
  sigma: number,
): ProceduralSource {
  return proceduralSource(name, {
    kind: "vector",
    shape: [centres[0]!.length],
    labelNames: centres.map((_, mode) => String(mode)),
    modes: { centres: Float32Array.from(centres.flat()), sigma },
    draw(random, label, row) {
      const centre = centres[label]!;
      for (let i = 0; i < row.length; i++) row[i] = centre[i]! + sigma * random.normal();
    },
  });
}
