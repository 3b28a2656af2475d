/** Which training examples have their turn in a round. */

import type { Random } from "../../shared/random.ts";

export interface Subsets {
  /** Examples of a round. */
  readonly size: number;
  readonly roundsPerEpoch: number;
  /** Every epoch goes through the data once in a new order, so that each example has equal turns: [size]. */
  ofRound(round: number): Int32Array<ArrayBuffer>;
}

/** @param count of all training examples */
export function createSubsets(count: number, subsetSize: number, random: Random): Subsets {
  const size = Math.min(subsetSize, count);
  const roundsPerEpoch = Math.floor(count / size);
  return {
    size,
    roundsPerEpoch,
    ofRound(round) {
      const first = (round % roundsPerEpoch) * size;
      const order = random.fork("epoch", Math.floor(round / roundsPerEpoch)).permutation(count);
      return Int32Array.from(order.subarray(first, first + size));
    },
  };
}
