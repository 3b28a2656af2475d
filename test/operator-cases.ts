/** What every operator is tried on, by the gradients' tests and by the engines'. */

import { createRandom, type Random } from "../shared/random.ts";
import type { ConvolutionOptions } from "../trainer/autodiff/convolution.ts";
import * as operators from "../trainer/autodiff/operators.ts";
import { constant, input, type Shape, sizeOf, type Tensor } from "../trainer/autodiff/tensor.ts";

const {
  abs,
  add,
  argMin,
  averagePool2d,
  broadcastTo,
  concat,
  conv2d,
  convTranspose2d,
  dense,
  divide,
  exp,
  leakyRelu,
  log,
  matmul,
  maximum,
  mean,
  minimum,
  multiply,
  negate,
  reduceMin,
  relu,
  reshape,
  sigmoid,
  sign,
  slice,
  smallest,
  softplus,
  sqrt,
  square,
  subtract,
  sum,
  tanh,
  transpose,
  upsample2d,
} = operators;

/**
 * Where an operand's numbers come from, away from the places where derivatives jump: `any` is a standard
 * normal, `nonzero` keeps 0.2 from 0, `positive` lies in 0.4 … 2; `even` and `odd` lie on grids that keep 0.2
 * from each other; `distinct` numbers keep 0.2 from one another.
 */
type Domain = "any" | "nonzero" | "positive" | "even" | "odd" | "distinct";

export interface OperatorCase {
  /** What is special about it. */
  readonly about: string;
  readonly operands: readonly (readonly [Shape, Domain?])[];
  build(...operands: Tensor[]): Tensor;
  /** For operators whose gradient is refused. */
  readonly withoutGradient?: true;
}

const vector: Shape = [5];
const matrix: Shape = [3, 4];

function elementwise(build: (x: Tensor) => Tensor, domain: Domain = "any"): OperatorCase[] {
  return [
    { about: "a matrix", operands: [[matrix, domain]], build },
    { about: "a scalar", operands: [[[], domain]], build },
  ];
}

function broadcasting(
  build: (a: Tensor, b: Tensor | number) => Tensor,
  domains: readonly [Domain, Domain] = ["any", "any"],
): OperatorCase[] {
  const shapes: [string, Shape, Shape][] = [
    ["equal shapes", matrix, matrix],
    ["a row onto a matrix", matrix, [4]],
    ["a column onto a matrix", [3, 1], matrix],
    ["a column with a row", [3, 1], [1, 4]],
    ["a scalar onto a matrix", [], matrix],
    ["axes of both operands", [2, 1, 3], [4, 1]],
  ];
  return [
    ...shapes.map(([about, a, b]) => ({
      about,
      operands: [
        [a, domains[0]],
        [b, domains[1]],
      ] as const,
      build,
    })),
    { about: "a number", operands: [[matrix, domains[0]]], build: (a) => build(a, 0.5) },
    {
      about: "an operand that is spread out already",
      operands: [
        [[4], domains[0]],
        [matrix, domains[1]],
      ],
      build: (a, b) => build(broadcastTo(a, matrix), b),
    },
    {
      about: "both operands spread out",
      operands: [
        [[4], domains[0]],
        [[3, 1], domains[1]],
      ],
      build: (a, b) => build(broadcastTo(a, matrix), broadcastTo(b, matrix)),
    },
  ];
}

function products(): OperatorCase[] {
  return [false, true].flatMap((transposeA) =>
    [false, true].flatMap((transposeB) =>
      [false, true].map((biased) => ({
        about: `${transposeA ? "Aᵀ" : "A"}·${transposeB ? "Bᵀ" : "B"}${biased ? " + bias" : ""}`,
        operands: [
          [transposeA ? [4, 3] : [3, 4]],
          [transposeB ? [2, 4] : [4, 2]],
          ...(biased ? [[[2]] as const] : []),
        ] as const,
        build: (a: Tensor, b: Tensor, bias?: Tensor) =>
          matmul(a, b, { transposeA, transposeB, ...(bias && { bias }) }),
      })),
    ),
  );
}

function reductions(
  reduce: (x: Tensor, axes?: readonly number[], options?: { keepDims?: boolean }) => Tensor,
): OperatorCase[] {
  const cube: Shape = [2, 3, 4];
  return [
    { about: "all axes", operands: [[cube]], build: (x) => reduce(x) },
    { about: "all axes of a scalar", operands: [[[]]], build: (x) => reduce(x) },
    { about: "no axis", operands: [[matrix]], build: (x) => reduce(x, []) },
    { about: "the first axis", operands: [[cube]], build: (x) => reduce(x, [0]) },
    { about: "the last axis", operands: [[cube]], build: (x) => reduce(x, [2]) },
    { about: "two axes, in any order", operands: [[cube]], build: (x) => reduce(x, [2, 0]) },
    ...[[], [0], [1], [2, 0]].map((axes) => ({
      about: `axes [${axes}] kept`,
      operands: [[cube]] as const,
      build: (x: Tensor) => reduce(x, axes, { keepDims: true }),
    })),
  ];
}

function convolutions(
  convolve: (x: Tensor, kernel: Tensor, options?: ConvolutionOptions) => Tensor,
  /** How the kernel has its channels: of the input first, or last. */
  kernelOf: (input: number, output: number, height: number, width: number) => Shape,
): OperatorCase[] {
  const cases: [string, Shape, Shape, ConvolutionOptions?][] = [
    ["a 3×3 kernel", [2, 3, 5, 4], kernelOf(3, 2, 3, 3)],
    ["a single pixel", [1, 2, 1, 1], kernelOf(2, 3, 1, 1)],
    ["a kernel that isn't square, padded", [2, 1, 4, 5], kernelOf(1, 2, 3, 1), { padding: 1 }],
    ["stride 2, kernel 4, padded: doubling", [2, 2, 4, 6], kernelOf(2, 3, 4, 4), { stride: 2, padding: 1 }],
    ["stride 2 that leaves a rest", [1, 2, 6, 5], kernelOf(2, 2, 3, 3), { stride: 2, padding: 1 }],
    ["stride 3", [1, 1, 7, 8], kernelOf(1, 2, 2, 2), { stride: 3 }],
    ["dilated", [2, 2, 5, 6], kernelOf(2, 1, 2, 3), { dilation: 2, padding: 1 }],
    ["dilated with a stride", [1, 1, 8, 7], kernelOf(1, 2, 2, 2), { dilation: 3, stride: 2, padding: 1 }],
  ];
  return [
    ...cases.map(([about, x, kernel, options]) => ({
      about,
      operands: [[x], [kernel]] as const,
      build: (a: Tensor, b: Tensor) => convolve(a, b, options),
    })),
    {
      about: "a bias",
      operands: [[[2, 2, 3, 3]], [kernelOf(2, 3, 2, 2)], [[3]]],
      build: (x, kernel, bias) => convolve(x, kernel, { bias, stride: 2, padding: 1 }),
    },
  ];
}

/** Cases of every operator that `operators.ts` exports. */
export const OPERATOR_CASES: Readonly<Record<keyof typeof operators, readonly OperatorCase[]>> = {
  add: broadcasting(add),
  subtract: broadcasting(subtract),
  multiply: broadcasting(multiply),
  divide: broadcasting(divide, ["any", "positive"]),
  maximum: broadcasting(maximum, ["even", "odd"]),
  minimum: broadcasting(minimum, ["even", "odd"]),

  negate: elementwise(negate),
  exp: elementwise(exp),
  log: elementwise(log, "positive"),
  sqrt: elementwise(sqrt, "positive"),
  abs: elementwise(abs, "nonzero"),
  sign: elementwise(sign, "nonzero"),
  square: elementwise(square),
  relu: elementwise(relu, "nonzero"),
  sigmoid: elementwise(sigmoid),
  tanh: elementwise(tanh),
  softplus: elementwise(softplus),
  leakyRelu: [
    ...elementwise(leakyRelu, "nonzero"),
    { about: "another slope", operands: [[matrix, "nonzero"]], build: (x) => leakyRelu(x, 0.05) },
  ],

  matmul: products(),
  dense: [{ about: "a layer", operands: [[[3, 4]], [[4, 2]], [[2]]], build: dense }],

  sum: reductions(sum),
  mean: reductions(mean),
  reduceMin: [0, 1, 2].map((axis) => ({
    about: `axis ${axis}`,
    operands: [[[2, 3, 4], "distinct"]],
    build: (x) => reduceMin(x, axis),
    withoutGradient: true,
  })),
  argMin: [0, 1, 2].map((axis) => ({
    about: `axis ${axis}`,
    operands: [[[2, 3, 4], "distinct"]],
    build: (x) => argMin(x, axis),
    withoutGradient: true,
  })),
  smallest: (["values", "indices"] as const).flatMap((which) =>
    [1, 3, 4].map((k) => ({
      about: `${which}, k = ${k}`,
      operands: [[[2, 3, 4], "distinct"]] as const,
      build: (x: Tensor) => smallest(x, k)[which],
      withoutGradient: true,
    })),
  ),

  reshape: [
    { about: "a matrix to a cube", operands: [[matrix]], build: (x) => reshape(x, [2, 3, 2]) },
    { about: "one number to a scalar", operands: [[[1, 1]]], build: (x) => reshape(x, []) },
    { about: "a scalar to a matrix", operands: [[[]]], build: (x) => reshape(x, [1, 1]) },
    { about: "to the same shape", operands: [[matrix]], build: (x) => reshape(x, matrix) },
  ],
  broadcastTo: [
    { about: "a new axis", operands: [[vector]], build: (x) => broadcastTo(x, [3, 5]) },
    { about: "an axis of length 1", operands: [[[3, 1, 2]]], build: (x) => broadcastTo(x, [2, 3, 4, 2]) },
    { about: "a scalar", operands: [[[]]], build: (x) => broadcastTo(x, [2, 2]) },
  ],
  transpose: [
    { about: "a matrix", operands: [[matrix]], build: (x) => transpose(x, [1, 0]) },
    { about: "a cycle of three axes", operands: [[[2, 3, 4]]], build: (x) => transpose(x, [2, 0, 1]) },
    { about: "no change", operands: [[matrix]], build: (x) => transpose(x, [0, 1]) },
  ],
  concat: [
    { about: "rows", operands: [[[2, 3]], [[1, 3]], [[2, 3]]], build: (...parts) => concat(parts, 0) },
    { about: "columns", operands: [[[2, 3]], [[2, 1]]], build: (...parts) => concat(parts, 1) },
    { about: "one part twice", operands: [[[2, 3]]], build: (x) => concat([x, x], 0) },
    { about: "a single part", operands: [[[2, 3]]], build: (x) => concat([x], 0) },
  ],
  slice: [
    { about: "the first columns", operands: [[matrix]], build: (x) => slice(x, 1, 0, 2) },
    { about: "inner rows", operands: [[[4, 2]]], build: (x) => slice(x, 0, 1, 2) },
    { about: "the last of the middle axis", operands: [[[2, 3, 2]]], build: (x) => slice(x, 1, 2, 1) },
    { about: "everything", operands: [[matrix]], build: (x) => slice(x, 0, 0, 3) },
  ],

  conv2d: convolutions(conv2d, (input, output, ...sides) => [output, input, ...sides]),
  convTranspose2d: [
    ...convolutions(convTranspose2d, (...shape) => shape),
    {
      about: "a row more",
      operands: [[[1, 2, 3, 2]], [[2, 1, 3, 3]]],
      build: (x, kernel) => convTranspose2d(x, kernel, { stride: 2, padding: 1, outputPadding: [1, 0] }),
    },
  ],
  upsample2d: [
    { about: "twice", operands: [[[2, 3, 2, 4]]], build: (x) => upsample2d(x) },
    { about: "three times", operands: [[[1, 2, 3, 1]]], build: (x) => upsample2d(x, 3) },
  ],
  averagePool2d: [
    { about: "halves", operands: [[[2, 3, 4, 2]]], build: (x) => averagePool2d(x) },
    { about: "thirds", operands: [[[1, 2, 3, 6]]], build: (x) => averagePool2d(x, 3) },
  ],
};

/** One row a case: the operator, what is special, and the case. */
export const ALL_CASES = Object.entries(OPERATOR_CASES).flatMap(([operator, cases]) =>
  cases.map((each) => [operator, each.about, each] as const),
);

export interface PreparedCase {
  readonly operands: readonly Tensor[];
  readonly value: Tensor;
  /** The sum of the value's entries, each with a weight of its own, so that no two gradients are alike. */
  readonly loss: Tensor;
  /** The operands' numbers, exact in float32, by the operands' names. */
  readonly values: Record<string, Float32Array<ArrayBuffer>>;
}

/** Builds the operator on inputs called x0, x1 …, behind the prefix, and draws their numbers. */
export function prepareCase({ operands, build }: OperatorCase, prefix = ""): PreparedCase {
  const random = createRandom(1);
  const name = (i: number) => `${prefix}x${i}`;
  const leaves = operands.map(([shape], i) => input(name(i), shape));
  const values = Object.fromEntries(
    operands.map(([shape, domain], i) => [name(i), draw(random.fork(i), sizeOf(shape), domain ?? "any")]),
  );
  const value = build(...leaves);
  const weights = draw(random.fork("weights"), sizeOf(value.shape), "nonzero");
  return { operands: leaves, value, loss: sum(multiply(value, constant(weights, value.shape))), values };
}

function draw(random: Random, count: number, domain: Domain): Float32Array<ArrayBuffer> {
  const ranks = random.permutation(count);
  const sample: Record<Domain, (i: number) => number> = {
    any: () => random.normal(),
    nonzero: () => (0.2 + random.uniform()) * (random.below(2) === 0 ? -1 : 1),
    positive: () => 0.4 + 1.6 * random.uniform(),
    // Half numbers are used as the other operand, so these keep off them too.
    even: () => 0.4 * random.below(6) - 0.9,
    odd: () => 0.4 * random.below(6) - 1.1,
    distinct: (i) => 0.2 * ranks[i]! - 0.1 * count,
  };
  return Float32Array.from({ length: count }, (_, i) => sample[domain](i));
}
