/**
 * Lazy transposes. Our images are [n, channels, height, width]; TF.js wants channels last, and keeps kernels as
 * [height, width, in, out]. So a value remembers how its axes lie in memory, operators that don't care keep
 * that order, and only what needs another one pays for a copy.
 *
 * A generator's rows are channels-last images already and its kernels are stored as TF.js wants them: the
 * transposes between cancel.
 */

import * as tf from "@tensorflow/tfjs-core";

/** Numbers whose axes may lie in memory in another order than they are meant in. */
export interface Laid {
  /** Its owner's to dispose of. */
  readonly data: tf.Tensor;
  /** Axis i of the meaning is axis order[i] of `data`. */
  readonly order: readonly number[];
  /** Copies in other orders that were asked for, by order, if they are to live as long as `data`. */
  readonly copies?: Map<string, tf.Tensor>;
}

export function laid(data: tf.Tensor, order: readonly number[] = rowMajor(data.rank)): Laid {
  return { data, order };
}

export function rowMajor(rank: number): number[] {
  return Array.from({ length: rank }, (_, axis) => axis);
}

/** A tensor of its own with the same numbers. Some backends copy them for `clone`, none does for this. */
export function alias(x: tf.Tensor): tf.Tensor {
  return tf.reshape(x, x.shape);
}

/** The same value, which from now on keeps the copies that it makes. */
export function keepingCopies({ data, order }: Laid): Laid {
  return { data, order, copies: new Map() };
}

export function dispose({ data, copies }: Laid): void {
  data.dispose();
  for (const copy of copies?.values() ?? []) copy.dispose();
}

/** The numbers with axis i of the meaning at axis wanted[i] of memory; not the caller's to dispose of. */
export function inOrder(value: Laid, wanted: readonly number[]): tf.Tensor {
  const { data, order, copies } = value;
  if (wanted.every((to, axis) => to === order[axis])) return data;
  const known = copies?.get(wanted.join());
  if (known) return known;
  const copy = permuted(
    data,
    wanted.map((_, to) => order[wanted.indexOf(to)]!),
  );
  copies?.set(wanted.join(), tf.keep(copy));
  return copy;
}

export function isRowMajor({ order }: Laid): boolean {
  return order.every((at, axis) => at === axis);
}

/** The numbers as they are meant. */
export function inRowMajor(value: Laid): tf.Tensor {
  return inOrder(value, rowMajor(value.order.length));
}

/** Axis i of the result is axis from[i] of x. */
function permuted(x: tf.Tensor, from: readonly number[]): tf.Tensor {
  const long = from.filter((axis) => x.shape[axis]! > 1);
  // Axes of length 1 may go anywhere: the numbers stay where they are.
  const stays = long.every((axis, i) => i === 0 || axis > long[i - 1]!);
  return stays
    ? tf.reshape(
        x,
        from.map((axis) => x.shape[axis]!),
      )
    : tf.transpose(x, [...from]);
}
