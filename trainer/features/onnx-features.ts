/** An ONNX model as symbolic tensors: the operators of feed-forward networks, by our own, so that it has gradients. */

import { readFile } from "node:fs/promises";
import {
  add,
  averagePool2d,
  concat,
  conv2d,
  divide,
  exp,
  leakyRelu,
  matmul,
  maximum,
  mean,
  minimum,
  multiply,
  negate,
  relu,
  reshape,
  sigmoid,
  softplus,
  sqrt,
  subtract,
  tanh,
  transpose,
} from "../autodiff/operators.ts";
import { constant, input, printShape, type Shape, sizeOf, type Tensor } from "../autodiff/tensor.ts";
import { type ImageShape, imagesFromRows } from "../layers/image.ts";
import { type Attribute, type ReadGraph, type ReadNode, readOnnxModel } from "../onnx/read-model.ts";
import type { Features } from "./features.ts";
import { maxPool2d, normalised } from "./operators.ts";

/** @throws Error in words, where the model can't be taken */
export async function readOnnxFeatures(path: string, shape: readonly number[]): Promise<Features> {
  const graph = readOnnxModel(await readFile(path));
  const of = (examples: Tensor) => run(graph, asInput(graph, examples, shape));
  return { length: of(input("example", [1, sizeOf(shape)])).shape[1]!, of };
}

/** Rows as the model takes them: [n, length], or images with their channels first or last. */
function asInput({ inputs }: ReadGraph, rows: Tensor, shape: readonly number[]): Map<string, Tensor> {
  if (inputs.length !== 1) throw new Error(`takes ${inputs.length} inputs, expected one`);
  const [{ name, shape: expected }] = inputs as [ReadGraph["inputs"][number]];
  const takes = (example: readonly number[]) =>
    expected.length === example.length + 1 &&
    example.every((side, axis) => expected[axis + 1] === null || expected[axis + 1] === side);
  const [height, width, channels] = shape as ImageShape;
  const count = rows.shape[0]!;
  if (takes([sizeOf(shape)])) return new Map([[name, rows]]);
  if (shape.length === 3 && takes([channels, height, width])) {
    return new Map([[name, imagesFromRows(rows, [height, width, channels])]]);
  }
  if (shape.length === 3 && takes(shape)) return new Map([[name, reshape(rows, [count, ...shape])]]);
  const found = expected.slice(1).map((side) => side ?? "any");
  throw new Error(`takes examples of ${found.join("×")}, the data's are ${shape.join("×")}`);
}

function run(graph: ReadGraph, fed: Map<string, Tensor>): Tensor {
  const values = new Map(fed);
  const count = fed.values().next().value!.shape[0]!;
  for (const [name, { shape, values: numbers }] of graph.weights) values.set(name, constant(numbers, shape));
  for (const node of graph.nodes) {
    const operator = OPERATORS[node.op];
    if (!operator) {
      throw new Error(`holds the operator ${node.op}; there are ${Object.keys(OPERATORS).join(", ")}`);
    }
    const inputs = node.inputs.map((name) => {
      const tensor = values.get(name);
      if (!tensor && name !== "") throw new Error(`${node.op} takes "${name}", which nothing gives`);
      return tensor;
    });
    values.set(node.outputs[0]!, operator(inputs as Tensor[], attributesOf(node), count));
  }
  const result = values.get(graph.outputs[0] ?? "");
  if (!result) throw new Error("gives no output");
  return reshape(result, [count, sizeOf(result.shape) / count]);
}

interface Attributes {
  number(name: string, otherwise: number): number;
  text(name: string): string;
  numbers(name: string): readonly number[] | undefined;
  tensor(name: string): Attribute["tensor"];
}

function attributesOf({ attributes }: ReadNode): Attributes {
  return {
    number: (name, otherwise) => attributes.get(name)?.number ?? otherwise,
    text: (name) => attributes.get(name)?.text ?? "",
    numbers: (name) => attributes.get(name)?.numbers,
    tensor: (name) => attributes.get(name)?.tensor ?? null,
  };
}

type Operator = (inputs: readonly Tensor[], attributes: Attributes, count: number) => Tensor;

const unary =
  (apply: (x: Tensor) => Tensor): Operator =>
  ([x]) =>
    apply(x!);
const binary =
  (apply: (a: Tensor, b: Tensor) => Tensor): Operator =>
  ([a, b]) =>
    apply(a!, b!);
const same = unary((x) => x);

const OPERATORS: Readonly<Record<string, Operator>> = {
  Identity: same,
  // It drops nothing once a model is trained.
  Dropout: same,
  Constant(_, { tensor }) {
    const value = tensor("value");
    if (!value) throw new Error("Constant: expected a tensor");
    return constant(value.values, value.shape);
  },
  Relu: unary(relu),
  Sigmoid: unary(sigmoid),
  Tanh: unary(tanh),
  Exp: unary(exp),
  Sqrt: unary(sqrt),
  Neg: unary(negate),
  Softplus: unary(softplus),
  LeakyRelu: ([x], { number }) => leakyRelu(x!, number("alpha", 0.01)),
  Clip([x, low, high]) {
    const raised = low ? maximum(x!, low) : x!;
    return high ? minimum(raised, high) : raised;
  },
  Add: binary(add),
  Sub: binary(subtract),
  Mul: binary(multiply),
  Div: binary(divide),
  MatMul: binary(matmul),
  Gemm([a, b, c], { number }) {
    const product = matmul(a!, b!, {
      transposeA: number("transA", 0) !== 0,
      transposeB: number("transB", 0) !== 0,
    });
    const scaled = multiply(product, number("alpha", 1));
    return c ? add(scaled, multiply(c, number("beta", 1))) : scaled;
  },
  Conv([x, kernel, bias], attributes) {
    if (attributes.number("group", 1) !== 1) throw new Error("Conv: groups aren't known here");
    const stride = equal("Conv", "strides", attributes.numbers("strides") ?? [1, 1]);
    const dilation = equal("Conv", "dilations", attributes.numbers("dilations") ?? [1, 1]);
    return conv2d(x!, kernel!, {
      ...(bias && { bias }),
      stride,
      dilation,
      padding: padding("Conv", attributes),
    });
  },
  MaxPool: ([x], attributes) => maxPool2d(x!, window("MaxPool", attributes)),
  AveragePool: ([x], attributes) => averagePool2d(x!, window("AveragePool", attributes)),
  GlobalAveragePool: unary((x) => mean(x, [2, 3], { keepDims: true })),
  BatchNormalization: ([x, scale, shift, mu, variance], { number }) =>
    normalised(x!, { scale: scale!, shift: shift!, mean: mu!, variance: variance! }, number("epsilon", 1e-5)),
  Flatten: ([x], _, count) => reshape(x!, [count, sizeOf(x!.shape) / count]),
  Reshape([x, target], _, count) {
    if (target?.op !== "constant") throw new Error("Reshape: expected a constant shape");
    return reshape(x!, shapeAfter(x!.shape, [...target.values!], count));
  },
  Transpose: ([x], { numbers }) =>
    transpose(x!, numbers("perm") ?? x!.shape.map((_, axis) => axis).reverse()),
  Concat(inputs, { number }) {
    const axis = number("axis", 1);
    return concat(inputs, axis < 0 ? axis + inputs[0]!.shape.length : axis);
  },
};

/** ONNX's rule: 0 keeps a side, −1 takes what is left; a batch that was written as 1 is ours. */
function shapeAfter(from: Shape, target: readonly number[], count: number): Shape {
  const sides = target.map((side, axis) => (side === 0 ? from[axis]! : side));
  const known = sides.filter((side) => side !== -1).reduce((product, side) => product * side, 1);
  const open = sides.includes(-1);
  const perExample = sizeOf(from) / count;
  if (sides[0] === 1 && count > 1 && (open ? perExample % known === 0 : known === perExample)) {
    return shapeAfter(from, [count, ...sides.slice(1)], count);
  }
  const shape = sides.map((side) => (side === -1 ? sizeOf(from) / known : side));
  if (sizeOf(shape) !== sizeOf(from) || !shape.every(Number.isInteger)) {
    throw new Error(`Reshape: ${printShape(from)} doesn't fill ${printShape(target)}`);
  }
  return shape;
}

function equal(op: string, name: string, sides: readonly number[]): number {
  if (sides.length !== 2 || sides[0] !== sides[1]) {
    throw new Error(`${op}: ${name} ${sides.join(", ")}; two equal numbers are known here`);
  }
  return sides[0]!;
}

function padding(op: string, attributes: Attributes): number {
  const mode = attributes.text("auto_pad");
  const sides = attributes.numbers("pads") ?? [0, 0, 0, 0];
  if ((mode !== "" && mode !== "NOTSET" && mode !== "VALID") || new Set(sides).size > 1) {
    throw new Error(`${op}: padding ${mode || sides.join(", ")}; the same on every side is known here`);
  }
  return sides[0]!;
}

/** The side of windows that don't overlap. */
function window(op: string, attributes: Attributes): number {
  const side = equal(op, "kernel_shape", attributes.numbers("kernel_shape") ?? []);
  const stride = equal(op, "strides", attributes.numbers("strides") ?? [1, 1]);
  if (stride !== side || padding(op, attributes) !== 0) {
    throw new Error(`${op}: windows that overlap or reach over the edge aren't known here`);
  }
  return side;
}
