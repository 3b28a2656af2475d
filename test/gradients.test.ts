import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createRandom } from "../shared/random.ts";
import { differentiate } from "../trainer/autodiff/gradients.ts";
import * as operators from "../trainer/autodiff/operators.ts";
import {
  constant,
  input,
  parameter,
  type Shape,
  ShapeError,
  type Tensor,
  topologicalOrder,
} from "../trainer/autodiff/tensor.ts";
import { GENERATORS } from "../trainer/generators/index.ts";
import { ALL_CASES, OPERATOR_CASES, prepareCase } from "./operator-cases.ts";
import { interpret, type LeafValues } from "./reference-engine.ts";

const { add, concat, exp, matmul, maximum, minimum, multiply, relu, sigmoid, square, sum, tanh } = operators;

const nameOf = (leaf: Tensor) => leaf.attributes["name"] as string;

/** Gradients by central differences, in float64. */
function finiteDifferences(loss: Tensor, targets: readonly Tensor[], values: LeafValues): number[][] {
  const step = 1e-5;
  return targets.map((target) => {
    const name = nameOf(target);
    const centre = Array.from(values[name]!);
    const lossAt = (i: number, shift: number) =>
      interpret({ loss }, { ...values, [name]: centre.with(i, centre[i]! + shift) }).loss[0]!;
    return centre.map((_, i) => (lossAt(i, step) - lossAt(i, -step)) / (2 * step));
  });
}

function expectGradientsToHold(loss: Tensor, targets: readonly Tensor[], values: LeafValues): void {
  const gradients = differentiate(loss, targets);
  const expected = finiteDifferences(loss, targets, values);
  for (const [i, target] of targets.entries()) {
    expect(gradients[i]!.shape).toEqual(target.shape);
    const { gradient } = interpret({ gradient: gradients[i]! }, values);
    expectClose(gradient, expected[i]!);
  }
}

/** To 1e-6, relative where the numbers are large. */
function expectClose(actual: readonly number[], expected: readonly number[]): void {
  expect(actual.length).toBe(expected.length);
  for (const [i, value] of actual.entries()) {
    const error = Math.abs(value - expected[i]!) / Math.max(1, Math.abs(expected[i]!));
    expect(error, `entry ${i}: ${value}, expected ${expected[i]}`).toBeLessThan(1e-6);
  }
}

test("every operator that is exported has cases", () => {
  expect(Object.keys(OPERATOR_CASES).sort()).toEqual(Object.keys(operators).sort());
  for (const cases of Object.values(OPERATOR_CASES)) expect(cases.length).toBeGreaterThan(0);
});

describe("the gradient agrees with finite differences", () => {
  const differentiable = ALL_CASES.filter(([, , each]) => !each.withoutGradient);
  test.each(differentiable)("%s: %s", (_operator, _about, each) => {
    const { loss, operands, values } = prepareCase(each);
    expectGradientsToHold(loss, operands, values);
  });
});

describe("what has no gradient is refused by name", () => {
  const refused = ALL_CASES.filter(([, , each]) => each.withoutGradient);
  test.each(refused)("%s: %s", (_operator, _about, each) => {
    const { loss, operands, value } = prepareCase(each);
    expect(() => differentiate(loss, operands)).toThrow(`operator "${value.op}" has no gradient`);
  });

  test("but may be part of a loss where no target depends on it", () => {
    const x = input("x", [3]);
    const weights = input("weights", [3]);
    const loss = sum(multiply(weights, operators.reduceMin(x, 0)));
    expectGradientsToHold(loss, [weights], { x: [3, 1, 2], weights: [1, 2, 3] });
  });
});

/** A shape, and one that broadcasts with it: axes are shortened to 1 or left away. */
const broadcastShapes = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 3 }), fc.boolean(), fc.boolean()), { maxLength: 3 })
  .chain((axes) =>
    fc.tuple(fc.nat({ max: axes.length }), fc.nat({ max: axes.length })).map(([skipA, skipB]) => ({
      a: axes.map(([length, one]) => (one ? 1 : length)).slice(skipA),
      b: axes.map(([length, , one]) => (one ? 1 : length)).slice(skipB),
    })),
  );

test.each([
  ["add", operators.add, "any"],
  ["subtract", operators.subtract, "any"],
  ["multiply", operators.multiply, "any"],
  ["divide", operators.divide, "positive"],
] as const)("%s: any shapes that broadcast", (_, build, domain) => {
  fc.assert(
    fc.property(broadcastShapes, ({ a, b }: { a: Shape; b: Shape }) => {
      const operands = [
        [a, "any"],
        [b, domain],
      ] as const;
      const prepared = prepareCase({ about: "", operands, build });
      expectGradientsToHold(prepared.loss, prepared.operands, prepared.values);
    }),
    { numRuns: 60 },
  );
});

describe("whole graphs", () => {
  const x = input("x", [2, 3]);
  const values = { x: [0.3, -1.2, 0.7, 1.1, -0.4, 0.9] };

  test("a subexpression that is used several times collects all its gradients", () => {
    const shared = tanh(x);
    const loss = sum(add(multiply(shared, exp(shared)), square(add(shared, x))));
    expectGradientsToHold(loss, [x], values);
  });

  test("a network of two layers", () => {
    const weights = parameter("weights", [3, 4]);
    const bias = parameter("bias", [4]);
    const output = parameter("output", [4, 1]);
    const loss = operators.mean(square(sigmoid(matmul(relu(matmul(x, weights, { bias })), output))));
    const draw = (count: number, phase: number) =>
      Array.from({ length: count }, (_, i) => Math.sin(3 * i + phase));
    expectGradientsToHold(loss, [weights, bias, output, x], {
      ...values,
      weights: draw(12, 1),
      bias: draw(4, 2),
      output: draw(4, 3),
    });
  });

  test.each(Object.entries(GENERATORS))("a generator with batch normalisation: %s", (_, create) => {
    const generator = create({
      latentSize: 2,
      hidden: [3],
      channels: [2],
      activation: "tanh",
      normalisation: "batch",
      outputShape: [4, 2, 1],
      outputActivation: "sigmoid",
    });
    const loss = sum(square(generator.apply(input("latents", [4, 2]))));
    const weights = generator.initialParameters(createRandom(8));
    const latents = createRandom(9).fillNormal(new Float32Array(8));
    const leaves = weights.map(({ name, shape }) => parameter(name, shape));
    const own = topologicalOrder([loss]).filter(({ op }) => op === "parameter");
    expect(new Set(own.map(nameOf))).toEqual(new Set(leaves.map(nameOf)));
    const numbers = Object.fromEntries(weights.map(({ name, values }) => [name, values]));
    expectGradientsToHold(loss, own, { latents, ...numbers });
  });

  test("with respect to a tensor that is computed, and to the loss itself", () => {
    const hidden = square(x);
    const loss = sum(exp(hidden));
    const [byHidden, byLoss, byInput] = differentiate(loss, [hidden, loss, x]);
    const found = interpret({ byHidden: byHidden!, byLoss: byLoss!, byInput: byInput! }, values);
    expectClose(
      found.byHidden,
      values.x.map((v) => Math.exp(v * v)),
    );
    expect(found.byLoss).toEqual([1]);
    expectClose(
      found.byInput,
      values.x.map((v) => 2 * v * Math.exp(v * v)),
    );
  });

  test("zeros of the target's shape where the loss doesn't depend on it", () => {
    const other = input("other", [4, 2]);
    const [gradient] = differentiate(sum(x), [other]);
    expect(gradient!.shape).toEqual([4, 2]);
    expect(interpret({ gradient: gradient! }).gradient).toEqual(new Array(8).fill(0));
  });

  test("a chain of 20,000 operators is no problem", () => {
    const start = input("start", []);
    let value: Tensor = start;
    for (let i = 0; i < 20_000; i++) value = add(value, 0.001);
    const [gradient] = differentiate(value, [start]);
    expect(interpret({ gradient: gradient! }, { start: [1] }).gradient).toEqual([1]);
  });

  test("a loss that is no scalar is refused", () => {
    expect(() => differentiate(x, [x])).toThrow(
      new ShapeError("differentiate: the loss is a scalar, got shape [2, 3]"),
    );
  });
});

describe("at the kinks", () => {
  const at = (build: (x: Tensor) => Tensor, value: number) => {
    const x = input("x", []);
    const [gradient] = differentiate(build(x), [x]);
    return interpret({ gradient: gradient! }, { x: [value] }).gradient[0];
  };

  test("an inactive rectifier gets no gradient, its border neither", () => {
    expect([-1, 0, 1].map((v) => at(relu, v))).toEqual([0, 0, 1]);
    expect([-1, 0, 1].map((v) => at(operators.abs, v))).toEqual([-1, 0, 1]);
    expect([-1, 0].map((v) => at((x) => operators.leakyRelu(x, 0.25), v))).toEqual([0.25, 0.25]);
  });

  test("equal operands of maximum and minimum take half each", () => {
    for (const operator of [maximum, minimum]) {
      const [a, b] = [input("a", []), input("b", [])];
      const [byA, byB] = differentiate(operator(a, b), [a, b]);
      expect(interpret({ byA: byA!, byB: byB! }, { a: [2], b: [2] })).toEqual({ byA: [0.5], byB: [0.5] });
    }
  });

  test("softplus and sigmoid stay finite far out", () => {
    for (const v of [-800, 800]) {
      const x = input("x", []);
      const [gradient] = differentiate(operators.softplus(x), [x]);
      const found = interpret({ value: operators.softplus(x), gradient: gradient! }, { x: [v] });
      expect(found.value[0]).toBe(Math.max(v, 0));
      expect(found.gradient[0]).toBe(v > 0 ? 1 : 0);
    }
  });
});

describe("shapes that don't fit are refused where they are written", () => {
  const refusals: [string, () => Tensor, string][] = [
    [
      "broadcast",
      () => add(input("a", [2, 3]), input("b", [2])),
      "add: shapes [2, 3] and [2] don't broadcast",
    ],
    ["inner lengths", () => matmul(input("a", [2, 3]), input("b", [2, 3])), "matmul: inner lengths differ"],
    [
      "a vector as matrix",
      () => matmul(input("a", [2]), input("b", [2, 3])),
      "matmul: expected a matrix, got shape [2]",
    ],
    [
      "bias",
      () => matmul(input("a", [2, 3]), input("b", [3, 4]), { bias: input("c", [3]) }),
      "matmul: bias [3] on a product of 4 columns",
    ],
    ["axis", () => sum(input("a", [2]), [1]), "sum: axis 1 of shape [2]"],
    ["negative axis", () => sum(input("a", [2]), [-1]), "sum: axis -1 of shape [2]"],
    ["the same axis twice", () => sum(input("a", [2]), [0, 0]), "sum: axes [0, 0] of shape [2]"],
    ["reshape", () => operators.reshape(input("a", [2]), [3]), "reshape: [2] has another size than [3]"],
    [
      "broadcastTo",
      () => operators.broadcastTo(input("a", [2, 3]), [3]),
      "broadcastTo: [2, 3] doesn't broadcast to [3]",
    ],
    [
      "transpose",
      () => operators.transpose(input("a", [2, 3]), [0, 0]),
      "transpose: order [0, 0] of shape [2, 3]",
    ],
    [
      "transpose out of range",
      () => operators.transpose(input("a", [2, 3]), [0, 2]),
      "transpose: order [0, 2] of shape [2, 3]",
    ],
    ["concat", () => concat([input("a", [2, 3]), input("b", [2, 2])], 0), "concat on axis 0: [2, 3], [2, 2]"],
    [
      "concat of ranks",
      () => concat([input("a", [2, 3]), input("b", [2])], 0),
      "concat on axis 0: [2, 3], [2]",
    ],
    ["concat's axis", () => concat([input("a", [2, 3])], 2), "concat on axis 2: [2, 3]"],
    ["slice", () => operators.slice(input("a", [2, 3]), 1, 2, 2), "slice: 2 + 2 on axis 1 of shape [2, 3]"],
    ["empty slice", () => operators.slice(input("a", [2]), 0, 0, 0), "slice: 0 + 0 on axis 0 of shape [2]"],
    ["smallest", () => operators.smallest(input("a", [2, 3]), 4).values, "smallest: k = 4 of shape [2, 3]"],
    [
      "an image without channels",
      () => operators.conv2d(input("a", [2, 3, 4]), input("b", [1, 1, 1, 1])),
      "conv2d: expected [n, channels, height, width], got shape [2, 3, 4]",
    ],
    [
      "a kernel of other channels",
      () => operators.conv2d(input("a", [1, 2, 4, 4]), input("b", [3, 1, 2, 2])),
      "conv2d: kernel [3, 1, 2, 2] on shape [1, 2, 4, 4]",
    ],
    [
      "a kernel that is larger than the image",
      () => operators.conv2d(input("a", [1, 1, 2, 4]), input("b", [1, 1, 3, 3])),
      "conv2d: kernel [1, 1, 3, 3] on shape [1, 1, 2, 4]",
    ],
    [
      "a transposed kernel of other channels",
      () => operators.convTranspose2d(input("a", [1, 2, 4, 4]), input("b", [1, 2, 2, 2])),
      "convTranspose2d: kernel [1, 2, 2, 2] on shape [1, 2, 4, 4]",
    ],
    [
      "bias of a convolution",
      () => operators.conv2d(input("a", [1, 1, 2, 2]), input("b", [3, 1, 1, 1]), { bias: input("c", [1]) }),
      "conv2d: bias [1] on 3 channels",
    ],
    [
      "averagePool2d",
      () => operators.averagePool2d(input("a", [1, 1, 4, 3])),
      "averagePool2d: [1, 1, 4, 3] isn't made of 2×2 squares",
    ],
    ["constant", () => constant([1, 2, 3], [2]), "constant: 3 numbers don't fill shape [2]"],
  ];
  test.each(refusals)("%s", (_, build, message) => {
    expect(build).toThrow(ShapeError);
    expect(build).toThrow(message);
  });
});
