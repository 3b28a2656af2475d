/** The loss of a classifier, from operators that have gradients. */

import {
  add,
  concat,
  mean,
  multiply,
  reshape,
  slice,
  softplus,
  subtract,
  sum,
} from "../autodiff/operators.ts";
import type { Tensor } from "../autodiff/tensor.ts";

/**
 * Mean of −log softmax(logits) at the labels, a scalar in nats.
 *
 * @param logits [n, classes]
 * @param labels [n, classes], one-hot
 */
export function crossEntropy(logits: Tensor, labels: Tensor): Tensor {
  return mean(subtract(logSumExp(logits), sum(multiply(logits, labels), [1])));
}

/**
 * log Σ exp over the columns: [n, columns] → [n].
 *
 * Two halves at a time, log(eᵃ + eᵇ) = a + softplus(b − a), which overflows for no logits; taking the largest out of the
 * sum would need a maximum with a gradient.
 */
export function logSumExp(x: Tensor): Tensor {
  const [n, columns] = x.shape as readonly [number, number];
  if (columns === 1) return reshape(x, [n]);
  const half = Math.floor(columns / 2);
  const [a, b] = [slice(x, 1, 0, half), slice(x, 1, half, half)];
  const sums = add(a, softplus(subtract(b, a)));
  return logSumExp(columns % 2 === 0 ? sums : concat([sums, slice(x, 1, columns - 1, 1)], 1));
}
