/**
 * The oracle for gradients and engines: an interpreter of symbolic programs in float64, written to be obviously
 * right and not to be fast. It shares nothing with the engines but the definition of the operators.
 */

import { type Shape, sizeOf, type Tensor, topologicalOrder } from "../trainer/autodiff/tensor.ts";
import type { Program } from "../trainer/engine/engine.ts";

/** Row-major numbers of inputs and parameters, by name. */
export type LeafValues = Readonly<Record<string, ArrayLike<number>>>;

/** The value of every output, row-major. */
export function interpret<Outputs extends Program>(
  outputs: Outputs,
  leaves: LeafValues = {},
): Record<keyof Outputs, number[]> {
  const values = new Map<Tensor, number[]>();
  for (const tensor of topologicalOrder(Object.values(outputs))) {
    const operands = tensor.inputs.map((each) => values.get(each)!);
    const value = evaluate(tensor, operands, leaves);
    if (value.length !== sizeOf(tensor.shape)) {
      throw new Error(
        `interpret: ${tensor.op} gave ${value.length} numbers for shape [${tensor.shape.join(", ")}]`,
      );
    }
    values.set(tensor, value);
  }
  return Object.fromEntries(
    Object.entries(outputs).map(([name, tensor]) => [name, values.get(tensor)!]),
  ) as Record<keyof Outputs, number[]>;
}

function evaluate(tensor: Tensor, operands: readonly number[][], leaves: LeafValues): number[] {
  if (tensor.op === "constant") return Array.from(tensor.values!);
  if (tensor.op === "input" || tensor.op === "parameter") {
    const name = tensor.attributes["name"] as string;
    if (!leaves[name]) throw new Error(`interpret: no value for ${tensor.op} "${name}"`);
    return Array.from(leaves[name]);
  }
  const operator = operators[tensor.op];
  if (!operator) throw new Error(`interpret: operator "${tensor.op}" is not known`);
  return operator(tensor, operands);
}

const operators: Readonly<Record<string, (tensor: Tensor, operands: readonly number[][]) => number[]>> = {
  add: binary((a, b) => a + b),
  subtract: binary((a, b) => a - b),
  multiply: binary((a, b) => a * b),
  divide: binary((a, b) => a / b),
  maximum: binary(Math.max),
  minimum: binary(Math.min),

  negate: unary((x) => -x),
  exp: unary(Math.exp),
  log: unary(Math.log),
  sqrt: unary(Math.sqrt),
  abs: unary(Math.abs),
  sign: unary(Math.sign),
  square: unary((x) => x * x),
  relu: unary((x) => Math.max(x, 0)),
  sigmoid: unary((x) => 1 / (1 + Math.exp(-x))),
  tanh: unary(Math.tanh),
  softplus: unary((x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))),
  leakyRelu: ({ attributes }, [x]) => x!.map((v) => (v > 0 ? v : v * (attributes["slope"] as number))),

  matmul: ({ shape, inputs, attributes }, [a, b, bias]) => {
    const [, m] = shape as readonly [number, number];
    const [rowsA, columnsA] = inputs[0]!.shape as readonly [number, number];
    const [, columnsB] = inputs[1]!.shape as readonly [number, number];
    const inner = attributes["transposeA"] ? rowsA : columnsA;
    return indicesOf(shape).map(([i, j]) => {
      let total = bias ? bias[j! % m]! : 0;
      for (let k = 0; k < inner; k++) {
        const left = attributes["transposeA"] ? a![k * columnsA + i!]! : a![i! * columnsA + k]!;
        const right = attributes["transposeB"] ? b![j! * columnsB + k]! : b![k * columnsB + j!]!;
        total += left * right;
      }
      return total;
    });
  },

  sum: reduction((values) => values.reduce((total, value) => total + value, 0)),
  reduceMin: reduction((values) => Math.min(...values)),
  argMin: reduction((values) => values.indexOf(Math.min(...values))),
  smallestValues: ({ inputs, attributes }, [x]) =>
    rowsOf(inputs[0]!.shape, x!).flatMap((row) =>
      row.toSorted((p, q) => p - q).slice(0, attributes["k"] as number),
    ),
  smallestIndices: ({ inputs, attributes }, [x]) =>
    rowsOf(inputs[0]!.shape, x!).flatMap((row) =>
      [...row.keys()].sort((p, q) => row[p]! - row[q]! || p - q).slice(0, attributes["k"] as number),
    ),

  reshape: (_, [x]) => x!,
  broadcastTo: ({ shape, inputs }, [x]) => spread(x!, inputs[0]!.shape, shape),
  transpose: ({ shape, inputs, attributes }, [x]) => {
    const order = attributes["order"] as readonly number[];
    return indicesOf(shape).map((index) => {
      const source = order.map((_, axis) => index[order.indexOf(axis)]!);
      return x![offsetOf(inputs[0]!.shape, source)]!;
    });
  },
  concat: ({ shape, inputs, attributes }, operands) => {
    const axis = attributes["axis"] as number;
    return indicesOf(shape).map((index) => {
      let part = 0;
      let at = index[axis]!;
      while (at >= inputs[part]!.shape[axis]!) at -= inputs[part++]!.shape[axis]!;
      return operands[part]![offsetOf(inputs[part]!.shape, index.with(axis, at))]!;
    });
  },
  slice: ({ shape, inputs, attributes }, [x]) => {
    const { axis, start } = attributes as { axis: number; start: number };
    return indicesOf(shape).map(
      (index) => x![offsetOf(inputs[0]!.shape, index.with(axis, index[axis]! + start))]!,
    );
  },

  conv2d: (tensor, [x, kernel, bias]) => {
    const image = tensor.inputs[0]!.shape;
    const result = biased(tensor, bias);
    for (const { small, large, tap } of convolutionTaps(tensor, tensor.shape, image)) {
      result[small]! += x![large]! * kernel![tap]!;
    }
    return result;
  },
  convTranspose2d: (tensor, [x, kernel, bias]) => {
    const image = tensor.inputs[0]!.shape;
    const result = biased(tensor, bias);
    for (const { small, large, tap } of convolutionTaps(tensor, image, tensor.shape)) {
      result[large]! += x![small]! * kernel![tap]!;
    }
    return result;
  },
  upsample2d: ({ shape, inputs, attributes }, [x]) => {
    const factor = attributes["factor"] as number;
    return indicesOf(shape).map(([n, c, row, column]) => {
      const source = [n!, c!, Math.floor(row! / factor), Math.floor(column! / factor)];
      return x![offsetOf(inputs[0]!.shape, source)]!;
    });
  },
  averagePool2d: ({ shape, inputs, attributes }, [x]) => {
    const factor = attributes["factor"] as number;
    return indicesOf(shape).map(([n, c, row, column]) => {
      const pixels = indicesOf([factor, factor]).map(([i, j]) =>
        offsetOf(inputs[0]!.shape, [n!, c!, row! * factor + i!, column! * factor + j!]),
      );
      return pixels.reduce((total, at) => total + x![at]!, 0) / factor ** 2;
    });
  },
};

/**
 * Every product of a convolution: where its factor lies in the small image, in the large one (padding left
 * out), and in the kernel [small channels, large channels, kh, kw].
 */
function convolutionTaps({ inputs, attributes }: Tensor, small: Shape, large: Shape) {
  const { stride, padding, dilation } = attributes as { stride: number; padding: number; dilation: number };
  const kernel = inputs[1]!.shape;
  return indicesOf([small[0]!, ...kernel, small[2]!, small[3]!]).flatMap(
    ([n, from, to, i, j, row, column]) => {
      const y = row! * stride + i! * dilation - padding;
      const x = column! * stride + j! * dilation - padding;
      if (y < 0 || y >= large[2]! || x < 0 || x >= large[3]!) return [];
      return {
        small: offsetOf(small, [n!, from!, row!, column!]),
        large: offsetOf(large, [n!, to!, y, x]),
        tap: offsetOf(kernel, [from!, to!, i!, j!]),
      };
    },
  );
}

/** A picture of every channel's bias, or of zeros. */
function biased({ shape }: Tensor, bias: readonly number[] | undefined): number[] {
  return indicesOf(shape).map(([, channel]) => bias?.[channel!] ?? 0);
}

function unary(f: (x: number) => number): (tensor: Tensor, operands: readonly number[][]) => number[] {
  return (_, [x]) => x!.map(f);
}

function binary(f: (a: number, b: number) => number) {
  return ({ shape, inputs: [a, b] }: Tensor, [x, y]: readonly number[][]): number[] => {
    const right = spread(y!, b!.shape, shape);
    return spread(x!, a!.shape, shape).map((value, i) => f(value, right[i]!));
  };
}

/** Applies `f` to the numbers that share all indices but those of the reduced axes, in ascending order. */
function reduction(f: (values: number[]) => number) {
  return ({ inputs, attributes }: Tensor, [x]: readonly number[][]): number[] => {
    const axes = attributes["axes"] as readonly number[];
    const { shape } = inputs[0]!;
    const kept = shape.map((length, axis) => (axes.includes(axis) ? 1 : length));
    const groups: number[][] = Array.from({ length: sizeOf(kept) }, () => []);
    for (const [i, index] of indicesOf(shape).entries()) {
      const group = index.map((at, axis) => (axes.includes(axis) ? 0 : at));
      groups[offsetOf(kept, group)]!.push(x![i]!);
    }
    return groups.map(f);
  };
}

/** Broadcasts numbers of shape `from` to shape `to`. */
function spread(values: readonly number[], from: Shape, to: Shape): number[] {
  return indicesOf(to).map((index) => {
    const source = index.slice(to.length - from.length).map((at, axis) => (from[axis] === 1 ? 0 : at));
    return values[offsetOf(from, source)]!;
  });
}

/** Runs along the last axis. */
function rowsOf(shape: Shape, values: readonly number[]): number[][] {
  const length = shape.at(-1)!;
  return Array.from({ length: values.length / length }, (_, row) =>
    values.slice(row * length, (row + 1) * length),
  );
}

/** Every index into the shape, row-major. */
function indicesOf(shape: Shape): number[][] {
  return shape.reduce<number[][]>(
    (indices, length) => indices.flatMap((index) => Array.from({ length }, (_, at) => [...index, at])),
    [[]],
  );
}

function offsetOf(shape: Shape, index: readonly number[]): number {
  return shape.reduce((offset, length, axis) => offset * length + index[axis]!, 0);
}
