/** From our operators to TF.js's: one entry each, as `onnx/lower.ts` has for ONNX. */

import * as tf from "@tensorflow/tfjs-core";
import type { Tensor } from "../../autodiff/tensor.ts";
import { averagePool2d, conv2d, convTranspose2d, upsample2d } from "./convolution.ts";
import { alias, inOrder, inRowMajor, isRowMajor, type Laid, laid, rowMajor } from "./layout.ts";

/**
 * Computes a node from its operands' values, which stay the caller's. What it makes on the way is disposed of
 * by the `tf.tidy` around it; so what it returns is a tensor of its own.
 */
export type Lowering = (node: Tensor, operands: readonly Laid[]) => Laid;
export type Lowerings = Readonly<Record<string, Lowering>>;

export const LOWERINGS: Lowerings = {
  add: binary(tf.add),
  subtract: binary(tf.sub),
  multiply: binary(tf.mul),
  divide: binary(tf.div),
  maximum: binary(tf.maximum),
  minimum: binary(tf.minimum),

  negate: unary(tf.neg),
  exp: unary(tf.exp),
  log: unary(tf.log),
  sqrt: unary(tf.sqrt),
  abs: unary(tf.abs),
  sign: unary(tf.sign),
  square: unary(tf.square),
  relu: unary(tf.relu),
  sigmoid: unary(tf.sigmoid),
  tanh: unary(tf.tanh),
  softplus: unary(tf.softplus),
  leakyRelu: unary((x, { slope }) => tf.leakyRelu(x, slope as number)),

  matmul: (node, operands) => {
    const { a, b, transposeA, transposeB, bias } = product(node, operands);
    return laid(tf.fused.matMul({ a, b, transposeA, transposeB, ...(bias && { bias }) }));
  },

  sum: reduction((x, axes, keepDims) => tf.sum(x, axes, keepDims)),
  reduceMin: reduction((x, axes, keepDims) => tf.min(x, axes, keepDims)),
  argMin: reduction((x, axes) => firstSmallest(x, axes[0]!)),
  smallestValues: ({ attributes }, [x]) => laid(tf.neg(smallest(x!, attributes).values)),
  smallestIndices: ({ attributes }, [x]) => laid(smallest(x!, attributes).indices),

  reshape: ({ shape }, [x]) => laid(tf.reshape(inRowMajor(x!), [...shape])),
  broadcastTo: ({ shape }, [x]) => laid(tf.broadcastTo(inRowMajor(x!), [...shape])),
  transpose: ({ attributes }, [x]) => {
    const order = attributes["order"] as readonly number[];
    return laid(
      alias(x!.data),
      order.map((axis) => x!.order[axis]!),
    );
  },
  concat: ({ attributes }, parts) => {
    const { order } = parts[0]!;
    const axis = order[attributes["axis"] as number]!;
    // TF.js gives a single part back as it is.
    if (parts.length === 1) return laid(alias(parts[0]!.data), order);
    return laid(
      tf.concat(
        parts.map((part) => inOrder(part, order)),
        axis,
      ),
      order,
    );
  },
  slice: ({ attributes }, [x]) => {
    const { axis, start, count } = attributes as { axis: number; start: number; count: number };
    const { data, order } = x!;
    const at = order[axis]!;
    const begin = data.shape.map((_, i) => (i === at ? start : 0));
    const size = data.shape.map((length, i) => (i === at ? count : length));
    return laid(tf.slice(data, begin, size), order);
  },

  conv2d,
  convTranspose2d,
  upsample2d,
  averagePool2d,
};

/** A matrix product's operands; one that is transposed lazily is left as it lies, and its flag turned. */
export function product({ attributes }: Tensor, [a, b, bias]: readonly Laid[]) {
  const turned = ({ order }: Laid) => order[0] === 1;
  return {
    a: a!.data as tf.Tensor2D,
    b: b!.data as tf.Tensor2D,
    transposeA: attributes["transposeA"] !== turned(a!),
    transposeB: attributes["transposeB"] !== turned(b!),
    bias: bias?.data,
  };
}

function unary(f: (x: tf.Tensor, attributes: Tensor["attributes"]) => tf.Tensor): Lowering {
  return ({ attributes }, [x]) => laid(f(x!.data, attributes), x!.order);
}

/** The result has the order of an operand of full rank: of the larger one, whose copy would cost more. */
function binary(f: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor): Lowering {
  return ({ shape }, operands) => {
    const [p, q] = operands as [Laid, Laid];
    // TF.js broadcasts by itself; only the orders have to agree.
    if (isRowMajor(p) && isRowMajor(q)) return laid(f(p.data, q.data));
    const [a, b] = [toRank(p, shape.length), toRank(q, shape.length)];
    const { order } = b.data.size > a.data.size ? b : a;
    return laid(f(inOrder(a, order), inOrder(b, order)), order);
  };
}

/** The value with axes of length 1 put before its own. */
function toRank(value: Laid, rank: number): Laid {
  const added = rank - value.order.length;
  if (added === 0) return value;
  const ones = rowMajor(added).map(() => 1);
  return laid(tf.reshape(value.data, [...ones, ...value.data.shape]), [
    ...rowMajor(added),
    ...value.order.map((axis) => axis + added),
  ]);
}

function reduction(f: (x: tf.Tensor, axes: number[], keepDims: boolean) => tf.Tensor): Lowering {
  return ({ attributes }, [x]) => {
    const axes = attributes["axes"] as readonly number[];
    const keepDims = attributes["keepDims"] as boolean;
    const { data, order } = x!;
    const result = f(
      data,
      axes.map((axis) => order[axis]!),
      keepDims,
    );
    if (keepDims) return laid(result, order);
    const left = order.filter((_, axis) => !axes.includes(axis));
    const ranks = left.toSorted((p, q) => p - q);
    return laid(
      result,
      left.map((axis) => ranks.indexOf(axis)),
    );
  };
}

/** Where the smallest value along the axis is. TF.js's own argMin gives any of several that are equal. */
function firstSmallest(x: tf.Tensor, axis: number): tf.Tensor {
  const length = x.shape[axis]!;
  const numbers = tf.reshape(
    tf.range(0, length),
    x.shape.map((_, i) => (i === axis ? length : 1)),
  );
  const isSmallest = tf.equal(x, tf.min(x, axis, true));
  return tf.cast(tf.min(tf.where(isSmallest, numbers, length - 1), axis), "int32");
}

/** TF.js knows the largest only. */
function smallest(x: Laid, attributes: Tensor["attributes"]) {
  return tf.topk(tf.neg(inRowMajor(x)), attributes["k"] as number);
}
