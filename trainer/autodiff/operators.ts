/**
 * The operators: how to build one on symbolic tensors. Shapes are checked here, once; `gradients.ts` holds
 * each one's derivative, and every engine its own lowering.
 */

import {
  broadcastShape,
  constant,
  printShape,
  type Shape,
  ShapeError,
  sameShape,
  sizeOf,
  type Tensor,
} from "./tensor.ts";

// --- Elementwise, with NumPy's broadcasting ---------------------------------------------------------------

export const add = (a: Tensor, b: Tensor | number) => binary("add", a, b);
export const subtract = (a: Tensor, b: Tensor | number) => binary("subtract", a, b);
export const multiply = (a: Tensor, b: Tensor | number) => binary("multiply", a, b);
export const divide = (a: Tensor, b: Tensor | number) => binary("divide", a, b);
export const maximum = (a: Tensor, b: Tensor | number) => binary("maximum", a, b);
export const minimum = (a: Tensor, b: Tensor | number) => binary("minimum", a, b);

// --- Elementwise, one input -------------------------------------------------------------------------------

export const negate = (x: Tensor) => unary("negate", x);
export const exp = (x: Tensor) => unary("exp", x);
export const log = (x: Tensor) => unary("log", x);
export const sqrt = (x: Tensor) => unary("sqrt", x);
export const abs = (x: Tensor) => unary("abs", x);
/** −1, 0 or 1; its gradient is zero. */
export const sign = (x: Tensor) => unary("sign", x);
export const square = (x: Tensor) => unary("square", x);
export const relu = (x: Tensor) => unary("relu", x);
export const sigmoid = (x: Tensor) => unary("sigmoid", x);
export const tanh = (x: Tensor) => unary("tanh", x);
/** log(1 + eˣ), without overflow. */
export const softplus = (x: Tensor) => unary("softplus", x);
/** x where positive, `slope`·x elsewhere. */
export const leakyRelu = (x: Tensor, slope = 0.2) => unary("leakyRelu", x, { slope });

// --- Products ---------------------------------------------------------------------------------------------

/**
 * Matrix product of [n, k] and [k, m], each transposed first if asked, plus `bias` [m] on every row if given:
 * [n, m].
 */
export function matmul(
  a: Tensor,
  b: Tensor,
  options: { readonly transposeA?: boolean; readonly transposeB?: boolean; readonly bias?: Tensor } = {},
): Tensor {
  const { transposeA = false, transposeB = false, bias } = options;
  const [n, inner] = matrixShape("matmul", a, transposeA);
  const [innerB, m] = matrixShape("matmul", b, transposeB);
  if (inner !== innerB) {
    throw new ShapeError(`matmul: inner lengths differ: ${printShape(a.shape)} and ${printShape(b.shape)}`);
  }
  if (bias && !sameShape(bias.shape, [m])) {
    throw new ShapeError(`matmul: bias ${printShape(bias.shape)} on a product of ${m} columns`);
  }
  return node("matmul", bias ? [a, b, bias] : [a, b], [n, m], { transposeA, transposeB });
}

/** A dense layer, x·weights + bias: [n, k], [k, m], [m] → [n, m]. */
export const dense = (x: Tensor, weights: Tensor, bias: Tensor) => matmul(x, weights, { bias });

// --- Reductions -------------------------------------------------------------------------------------------

/** Sum over `axes` (all, if left out); reduced axes are dropped, or kept with length 1. */
export function sum(x: Tensor, axes: readonly number[] = allAxes(x), { keepDims = false } = {}): Tensor {
  return axes.length === 0 ? x : reduction("sum", x, axes, keepDims);
}

/** Mean over `axes` (all, if left out). */
export function mean(x: Tensor, axes: readonly number[] = allAxes(x), { keepDims = false } = {}): Tensor {
  const count = axes.reduce((product, axis) => product * x.shape[axis]!, 1);
  return multiply(sum(x, axes, { keepDims }), 1 / count);
}

/** The smallest value along `axis`, which is dropped. No gradient. */
export function reduceMin(x: Tensor, axis: number): Tensor {
  return reduction("reduceMin", x, [axis], false);
}

/** Where the smallest value along `axis` is: int32, ties to the lower index. No gradient. */
export function argMin(x: Tensor, axis: number): Tensor {
  return { ...reduction("argMin", x, [axis], false), dtype: "int32" };
}

/**
 * The `k` smallest values along the last axis, ascending, and where they are.
 * No gradient. Which of equal values comes first is the engine's choice.
 */
export function smallest(x: Tensor, k: number): { values: Tensor; indices: Tensor } {
  const length = x.shape.at(-1);
  if (length === undefined || k < 1 || k > length) {
    throw new ShapeError(`smallest: k = ${k} of shape ${printShape(x.shape)}`);
  }
  const shape = [...x.shape.slice(0, -1), k];
  return {
    values: node("smallestValues", [x], shape, { k }),
    indices: { ...node("smallestIndices", [x], shape, { k }), dtype: "int32" },
  };
}

// --- Shape ------------------------------------------------------------------------------------------------

export function reshape(x: Tensor, shape: Shape): Tensor {
  if (sizeOf(shape) !== sizeOf(x.shape)) {
    throw new ShapeError(`reshape: ${printShape(x.shape)} has another size than ${printShape(shape)}`);
  }
  return sameShape(x.shape, shape) ? x : node("reshape", [x], shape);
}

/** Repeats x along the axes that it lacks or that have length 1. */
export function broadcastTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  if (!sameShape(broadcastShape("broadcastTo", x.shape, shape), shape)) {
    throw new ShapeError(`broadcastTo: ${printShape(x.shape)} doesn't broadcast to ${printShape(shape)}`);
  }
  return node("broadcastTo", [x], shape);
}

/** Axes in another order: axis i of the result is axis `order[i]` of x. */
export function transpose(x: Tensor, order: readonly number[]): Tensor {
  if (order.length !== x.shape.length || !x.shape.every((_, axis) => order.includes(axis))) {
    throw new ShapeError(`transpose: order ${printShape(order)} of shape ${printShape(x.shape)}`);
  }
  return node(
    "transpose",
    [x],
    order.map((axis) => x.shape[axis]!),
    { order },
  );
}

/** Joins along `axis`; all other lengths are equal. */
export function concat(parts: readonly Tensor[], axis: number): Tensor {
  const first = parts[0]!.shape;
  const fits = parts.every(({ shape }) => sameShape(shape.toSpliced(axis, 1), first.toSpliced(axis, 1)));
  if (!fits || !(axis in first))
    throw new ShapeError(`concat on axis ${axis}: ${parts.map((p) => printShape(p.shape)).join(", ")}`);
  const total = parts.reduce((length, part) => length + part.shape[axis]!, 0);
  return node(
    "concat",
    parts,
    first.map((length, a) => (a === axis ? total : length)),
    { axis },
  );
}

/** `count` entries along `axis` from `start` on. */
export function slice(x: Tensor, axis: number, start: number, count: number): Tensor {
  const length = x.shape[axis];
  if (length === undefined || start < 0 || count < 1 || start + count > length) {
    throw new ShapeError(`slice: ${start} + ${count} on axis ${axis} of shape ${printShape(x.shape)}`);
  }
  return node(
    "slice",
    [x],
    x.shape.map((n, a) => (a === axis ? count : n)),
    { axis, start, count },
  );
}

// --- Images -----------------------------------------------------------------------------------------------

export { averagePool2d, conv2d, convTranspose2d, upsample2d } from "./convolution.ts";

// --- Building ---------------------------------------------------------------------------------------------

function node(
  op: string,
  inputs: readonly Tensor[],
  shape: Shape,
  attributes: Tensor["attributes"] = {},
): Tensor {
  return { op, inputs, attributes, shape, dtype: "float32" };
}

function unary(op: string, x: Tensor, attributes: Tensor["attributes"] = {}): Tensor {
  return node(op, [x], x.shape, attributes);
}

function binary(op: string, a: Tensor, b: Tensor | number): Tensor {
  const right = typeof b === "number" ? constant(b) : b;
  const shape = broadcastShape(op, a.shape, right.shape);
  const first = withoutBroadcast(a, right, shape);
  return node(op, [first, withoutBroadcast(right, first, shape)], shape);
}

/** An operand that was spread out only to meet `other` need not be: the operator broadcasts by itself. */
function withoutBroadcast(operand: Tensor, other: Tensor, shape: Shape): Tensor {
  return operand.op === "broadcastTo" && sameShape(other.shape, shape) ? operand.inputs[0]! : operand;
}

function reduction(op: string, x: Tensor, axes: readonly number[], keepDims: boolean): Tensor {
  for (const axis of axes) {
    if (!(axis in x.shape)) throw new ShapeError(`${op}: axis ${axis} of shape ${printShape(x.shape)}`);
  }
  if (new Set(axes).size !== axes.length) {
    throw new ShapeError(`${op}: axes ${printShape(axes)} of shape ${printShape(x.shape)}`);
  }
  const shape = x.shape.flatMap((length, axis) => (!axes.includes(axis) ? [length] : keepDims ? [1] : []));
  return node(op, [x], shape, { axes: [...axes].sort((a, b) => a - b), keepDims });
}

function allAxes(x: Tensor): readonly number[] {
  return x.shape.map((_, axis) => axis);
}

function matrixShape(op: string, x: Tensor, transposed: boolean): [number, number] {
  const [rows, columns, ...rest] = x.shape;
  if (rows === undefined || columns === undefined || rest.length > 0) {
    throw new ShapeError(`${op}: expected a matrix, got shape ${printShape(x.shape)}`);
  }
  return transposed ? [columns, rows] : [rows, columns];
}
