/** Reverse-mode differentiation: a loss's graph, extended by its gradients as further symbolic tensors. */

import {
  add,
  averagePool2d,
  broadcastTo,
  concat,
  conv2d,
  convTranspose2d,
  divide,
  matmul,
  multiply,
  negate,
  relu,
  reshape,
  sigmoid,
  sign,
  slice,
  subtract,
  sum,
  transpose,
  upsample2d,
} from "./operators.ts";
import {
  constant,
  printShape,
  type Shape,
  ShapeError,
  sizeOf,
  type Tensor,
  topologicalOrder,
} from "./tensor.ts";

/**
 * Given an operator's node and the gradient of the loss with respect to its value, the gradients with
 * respect to its inputs, in order. Null where there is none.
 */
type GradientRule = (node: Tensor, upstream: Tensor) => (Tensor | null)[];

/**
 * The gradient of `loss` with respect to each of `targets`.
 *
 * @param loss a scalar (shape [])
 * @returns one tensor a target, of the target's shape; zeros where the loss doesn't depend on it
 */
export function differentiate(loss: Tensor, targets: readonly Tensor[]): Tensor[] {
  if (loss.shape.length > 0) {
    throw new ShapeError(`differentiate: the loss is a scalar, got shape ${printShape(loss.shape)}`);
  }
  const order = topologicalOrder([loss]);
  const needed = new Set<Tensor>(targets);
  for (const tensor of order) {
    if (tensor.inputs.some((each) => needed.has(each))) needed.add(tensor);
  }
  const gradients = new Map<Tensor, Tensor>([[loss, constant(1)]]);
  for (const tensor of order.reverse()) {
    const upstream = gradients.get(tensor);
    if (!upstream || !needed.has(tensor) || tensor.inputs.length === 0) continue;
    const rule = rules[tensor.op];
    if (!rule) throw new Error(`differentiate: operator "${tensor.op}" has no gradient`);
    rule(tensor, upstream).forEach((gradient, i) => {
      const operand = tensor.inputs[i]!;
      if (!gradient || !needed.has(operand)) return;
      const sofar = gradients.get(operand);
      gradients.set(operand, sofar ? add(sofar, gradient) : gradient);
    });
  }
  return targets.map(
    (target) => gradients.get(target) ?? constant(new Float32Array(sizeOf(target.shape)), target.shape),
  );
}

const rules: Record<string, GradientRule> = {
  add: ({ inputs: [a, b] }, g) => [sumTo(g, a!.shape), sumTo(g, b!.shape)],
  subtract: ({ inputs: [a, b] }, g) => [sumTo(g, a!.shape), sumTo(negate(g), b!.shape)],
  multiply: ({ inputs: [a, b] }, g) => [sumTo(multiply(g, b!), a!.shape), sumTo(multiply(g, a!), b!.shape)],
  divide: (quotient, g) => {
    const [a, b] = quotient.inputs;
    const byA = divide(g, b!);
    return [sumTo(byA, a!.shape), sumTo(negate(multiply(byA, quotient)), b!.shape)];
  },
  // Where both are equal each takes half, as in JAX.
  maximum: ({ inputs: [a, b] }, g) => shareOf(a!, b!, g),
  minimum: ({ inputs: [a, b] }, g) => shareOf(negate(a!), negate(b!), g),

  negate: (_, g) => [negate(g)],
  exp: (y, g) => [multiply(g, y)],
  log: ({ inputs: [x] }, g) => [divide(g, x!)],
  sqrt: (y, g) => [divide(multiply(g, 0.5), y)],
  square: ({ inputs: [x] }, g) => [multiply(multiply(g, 2), x!)],
  abs: ({ inputs: [x] }, g) => [multiply(g, sign(x!))],
  sign: () => [null],
  // The output is never negative, so its sign is 1 exactly where the unit is active.
  relu: (y, g) => [multiply(g, sign(y))],
  sigmoid: (y, g) => [multiply(g, multiply(y, subtract(constant(1), y)))],
  tanh: (y, g) => [multiply(g, subtract(constant(1), multiply(y, y)))],
  softplus: ({ inputs: [x] }, g) => [multiply(g, sigmoid(x!))],
  leakyRelu: ({ inputs: [x], attributes }, g) => {
    const slope = attributes["slope"] as number;
    const active = sign(relu(x!));
    return [multiply(g, add(multiply(active, 1 - slope), slope))];
  },

  matmul: ({ inputs: [a, b, bias], attributes }, g) => {
    const { transposeA, transposeB } = attributes as { transposeA: boolean; transposeB: boolean };
    return [
      transposeA
        ? matmul(b!, g, { transposeA: transposeB, transposeB: true })
        : matmul(g, b!, { transposeB: !transposeB }),
      transposeB
        ? matmul(g, a!, { transposeA: true, transposeB: transposeA })
        : matmul(a!, g, { transposeA: !transposeA }),
      ...(bias ? [sum(g, [0])] : []),
    ];
  },
  sum: ({ inputs: [x], attributes }, g) => {
    const axes = attributes["axes"] as readonly number[];
    const kept = x!.shape.map((length, axis) => (axes.includes(axis) ? 1 : length));
    return [broadcastTo(reshape(g, kept), x!.shape)];
  },
  reshape: ({ inputs: [x] }, g) => [reshape(g, x!.shape)],
  broadcastTo: ({ inputs: [x] }, g) => [sumTo(g, x!.shape)],
  transpose: ({ attributes }, g) => {
    const order = attributes["order"] as readonly number[];
    return [
      transpose(
        g,
        order.map((_, axis) => order.indexOf(axis)),
      ),
    ];
  },
  concat: ({ inputs, attributes }, g) => {
    const axis = attributes["axis"] as number;
    let start = 0;
    return inputs.map((part) => {
      const count = part.shape[axis]!;
      start += count;
      return slice(g, axis, start - count, count);
    });
  },
  slice: ({ inputs: [x], attributes }, g) => {
    const { axis, start, count } = attributes as { axis: number; start: number; count: number };
    const zeros = (length: number) => {
      const shape = x!.shape.map((n, a) => (a === axis ? length : n));
      return length === 0 ? [] : [constant(new Float32Array(sizeOf(shape)), shape)];
    };
    return [concat([...zeros(start), g, ...zeros(x!.shape[axis]! - start - count)], axis)];
  },

  conv2d: ({ inputs: [x, kernel, bias], attributes }, g) => {
    const options = attributes as { stride: number; padding: number; dilation: number };
    const whole = convTranspose2d(g, kernel!, options).shape;
    // What a last, incomplete stride left over.
    const [rows, columns] = [x!.shape[2]! - whole[2]!, x!.shape[3]! - whole[3]!];
    return [
      convTranspose2d(g, kernel!, { ...options, outputPadding: [rows, columns] }),
      kernelGradient(g, x!, kernel!.shape, options),
      ...(bias ? [sum(g, [0, 2, 3])] : []),
    ];
  },
  convTranspose2d: ({ inputs: [x, kernel, bias], attributes }, g) => {
    const options = attributes as { stride: number; padding: number; dilation: number };
    return [
      conv2d(g, kernel!, options),
      kernelGradient(x!, g, kernel!.shape, options),
      ...(bias ? [sum(g, [0, 2, 3])] : []),
    ];
  },
  upsample2d: ({ attributes }, g) => {
    const factor = attributes["factor"] as number;
    return [multiply(averagePool2d(g, factor), factor ** 2)];
  },
  averagePool2d: ({ attributes }, g) => {
    const factor = attributes["factor"] as number;
    return [multiply(upsample2d(g, factor), 1 / factor ** 2)];
  },
};

/**
 * The gradient of a kernel [channels of `small`, channels of `large`, kh, kw]. Each entry is the inner product
 * of the small image with the large one, shifted and strided: a convolution over the batch, in which stride
 * and dilation have changed places.
 *
 * Measured on one thread, batch 128: 64 × 7×7 channels to 32 × 14×14, kernel 4, stride 2: 4.7 ms, as a matrix
 * product of gathered patches 8.6 ms; 64 to 32 channels at 14×14, kernel 3, stride 1: 25 ms and 19 ms.
 */
function kernelGradient(
  small: Tensor,
  large: Tensor,
  shape: Shape,
  { stride, padding, dilation }: { stride: number; padding: number; dilation: number },
): Tensor {
  const swapped = [1, 0, 2, 3];
  const products = conv2d(transpose(large, swapped), transpose(small, swapped), {
    stride: dilation,
    dilation: stride,
    padding,
  });
  const taps = [2, 3].reduce(
    (x, axis) => (x.shape[axis] === shape[axis] ? x : slice(x, axis, 0, shape[axis]!)),
    products,
  );
  return transpose(taps, swapped);
}

/** Sums a broadcast gradient back to the shape of the operand that was broadcast. */
function sumTo(gradient: Tensor, shape: Shape): Tensor {
  const added = gradient.shape.length - shape.length;
  const axes = gradient.shape.flatMap((length, axis) =>
    axis < added || (shape[axis - added] === 1 && length !== 1) ? [axis] : [],
  );
  return axes.length === 0 ? gradient : reshape(sum(gradient, axes), shape);
}

/** The gradients of max(a, b): to the larger one, halves where they are equal. */
function shareOf(a: Tensor, b: Tensor, g: Tensor): Tensor[] {
  const order = sign(subtract(a, b)); // 1: a is larger, −1: b is, 0: equal
  const toA = multiply(add(order, 1), 0.5);
  const toB = multiply(subtract(constant(1), order), 0.5);
  return [sumTo(multiply(g, toA), a.shape), sumTo(multiply(g, toB), b.shape)];
}
