/** Batches for objectives that go through the data: every epoch once, in a new order. */

import type { Random } from "../../shared/random.ts";

export interface Minibatches {
  /** As asked for, or all examples where there are fewer. */
  readonly batchSize: number;
  /** What is left over when the data don't divide by the batch waits for another epoch. */
  readonly stepsPerEpoch: number;
  /** The examples of a step: [batchSize] */
  rowsOfStep(step: number): Uint32Array<ArrayBuffer>;
}

/** @param count of all training examples */
export function createMinibatches(count: number, wanted: number, random: Random): Minibatches {
  const batchSize = Math.min(wanted, count);
  const stepsPerEpoch = Math.floor(count / batchSize);
  let order = { epoch: -1, rows: new Uint32Array(0) };
  return {
    batchSize,
    stepsPerEpoch,
    rowsOfStep(step) {
      const epoch = Math.floor(step / stepsPerEpoch);
      if (order.epoch !== epoch) order = { epoch, rows: random.fork("epoch", epoch).permutation(count) };
      const first = (step % stepsPerEpoch) * batchSize;
      return order.rows.subarray(first, first + batchSize);
    },
  };
}
