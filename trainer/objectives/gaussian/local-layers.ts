/**
 * Equally likely Gaussians of low rank as plain layers. The latent's first numbers say by their signs which one it is,
 * the others where in it.
 *
 * 1. tanh: the signs, and the other numbers made so small that tanh leaves them as they are.
 * 2. relu: for every Gaussian a unit that is 1 if it is the one and 0 if not, and its numbers, raised above 0 if it is
 *    the one and pushed below if not.
 * 3. linear: their sum, each times its direction.
 */

import type { LayerSpec } from "../../../shared/manifest.ts";
import type { FrozenGenerator } from "../../generators/frozen.ts";

export interface LocalGaussians {
  /** Every path of so many binary choices leads to one Gaussian: 2^cuts of them. */
  readonly cuts: number;
  /** Directions of each. */
  readonly rank: number;
  /** [2^cuts, length] */
  readonly means: Float32Array<ArrayBuffer>;
  /** [2^cuts, rank, length]: orthogonal, as long as the standard deviation along them. */
  readonly directions: Float32Array<ArrayBuffer>;
}

/** A sign takes about 2e-5 of the latents for neither. */
const STEEPNESS = 5e4;
/** tanh(x/64)·64 is x up to 3e-4 of it at 2. */
const SMALL = 1 / 64;
/** What a number of the latent is raised by; one in 5e8 normal numbers lies beyond and is cut. */
const RAISE = 6;

export function localModel({ cuts, rank, means, directions }: LocalGaussians): FrozenGenerator {
  const count = 2 ** cuts;
  const length = means.length / count;
  const latentSize = cuts + rank;
  const units = count * (1 + rank);
  const layers: LayerSpec[] = [
    { kind: "dense", units: latentSize, activation: "tanh" },
    { kind: "dense", units, activation: "relu" },
    { kind: "dense", units: length, activation: "linear" },
  ];
  const first = new Float32Array(latentSize ** 2);
  for (let i = 0; i < latentSize; i++) first[i * (latentSize + 1)] = i < cuts ? STEEPNESS : SMALL;

  const second = new Float32Array(latentSize * units);
  const secondBias = new Float32Array(units);
  const third = new Float32Array(units * length);
  for (let k = 0; k < count; k++) {
    for (let unit = 0; unit <= rank; unit++) {
      const at = k * (1 + rank) + unit;
      // A wrong sign takes away 1, and all that a raised number could have.
      const toll = unit === 0 ? 1 : 2 * RAISE;
      for (let cut = 0; cut < cuts; cut++) {
        const up = (k >> (cuts - 1 - cut)) & 1;
        second[cut * units + at] = up ? toll / 2 : -toll / 2;
      }
      if (unit > 0) second[(cuts + unit - 1) * units + at] = 1 / SMALL;
      secondBias[at] = (unit === 0 ? 1 : RAISE) - (cuts * toll) / 2;
      const row = third.subarray(at * length, (at + 1) * length);
      if (unit > 0) {
        const direction = (k * rank + unit - 1) * length;
        row.set(directions.subarray(direction, direction + length));
      }
    }
    // The raise is taken back where the mean is added.
    const row = third.subarray(k * (1 + rank) * length, (k * (1 + rank) + 1) * length);
    for (let j = 0; j < length; j++) {
      let raised = 0;
      for (let i = 0; i < rank; i++) raised += RAISE * directions[(k * rank + i) * length + j]!;
      row[j] = means[k * length + j]! - raised;
    }
  }
  return {
    latentSize,
    layers,
    weights: {
      "dense0/kernel": first,
      "dense0/bias": new Float32Array(latentSize),
      "dense1/kernel": second,
      "dense1/bias": secondBias,
      "dense2/kernel": third,
      "dense2/bias": new Float32Array(length),
    },
  };
}
