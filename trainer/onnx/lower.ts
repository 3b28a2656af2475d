/** From symbolic tensors to an ONNX graph. */

import { type Tensor, topologicalOrder } from "../autodiff/tensor.ts";
import type { OnnxGraph, OnnxNode, OnnxTensor, OnnxValue } from "./model-proto.ts";

export interface LowerOptions {
  readonly name: string;
  /** Values to store for parameters; parameters without one become graph inputs. */
  readonly parameters?: Readonly<Record<string, Float32Array>>;
  /** Name for the first dimension of every input and output, which is left free; fixed if left out. */
  readonly freeBatch?: string;
  /** Takes the place of our lowering of these operators: for a provider that lacks a kernel. */
  readonly lowerings?: Lowerings;
}

/**
 * Lowers the graph that `outputs` depend on.
 *
 * @param outputs tensors by the names that the ONNX outputs get
 */
export function lowerToOnnx(outputs: Readonly<Record<string, Tensor>>, options: LowerOptions): OnnxGraph {
  const graph: Draft = {
    freeBatch: options.freeBatch !== undefined,
    nodes: [],
    initializers: [],
    inputs: [],
    names: new Map(),
    shared: new Map(),
  };
  const ioValue = (name: string, tensor: Tensor): OnnxValue => {
    const [batch, ...rest] = tensor.shape;
    const free = options.freeBatch !== undefined && batch !== undefined;
    return { name, dtype: tensor.dtype, shape: free ? [options.freeBatch, ...rest] : tensor.shape };
  };
  const leaves = new Set<string>();
  const addLeaf = (name: string, tensor: Tensor) => {
    const { op, shape } = tensor;
    const stored = op === "parameter" ? options.parameters?.[name] : undefined;
    if (stored) graph.initializers.push({ name, dtype: "float32", shape, data: bytesOf(stored) });
    else graph.inputs.push(op === "input" ? ioValue(name, tensor) : { name, dtype: "float32", shape });
  };
  for (const tensor of topologicalOrder(Object.values(outputs))) {
    if (tensor.op === "constant") {
      const name = `constant${graph.initializers.length}`;
      graph.initializers.push({
        name,
        dtype: tensor.dtype,
        shape: tensor.shape,
        data: bytesOf(tensor.values!),
      });
      graph.names.set(tensor, name);
    } else if (tensor.op === "input" || tensor.op === "parameter") {
      const name = tensor.attributes["name"] as string;
      // A leaf that is written twice is one input.
      if (!leaves.has(name)) addLeaf(name, tensor);
      leaves.add(name);
      graph.names.set(tensor, name);
    } else {
      const lower = options.lowerings?.[tensor.op] ?? lowerings[tensor.op];
      if (!lower) throw new Error(`onnx: operator "${tensor.op}" has no lowering`);
      graph.names.set(
        tensor,
        lower(
          tensor,
          tensor.inputs.map((each) => graph.names.get(each)!),
          graph,
        ),
      );
    }
  }
  // An output keeps its promised name even where two outputs are one tensor, or an output is an input.
  for (const [name, tensor] of Object.entries(outputs)) {
    graph.nodes.push({ op: "Identity", inputs: [graph.names.get(tensor)!], outputs: [name], attributes: {} });
  }
  return {
    name: options.name,
    nodes: graph.nodes,
    initializers: graph.initializers,
    inputs: graph.inputs,
    outputs: Object.entries(outputs).map(([name, tensor]) => ioValue(name, tensor)),
  };
}

/** A graph as it grows. */
export interface Draft {
  readonly freeBatch: boolean;
  readonly nodes: OnnxNode[];
  readonly initializers: OnnxTensor[];
  readonly inputs: OnnxValue[];
  /** The ONNX name of every tensor that is lowered already. */
  readonly names: Map<Tensor, string>;
  /** Nodes with several outputs, by what they compute: TopK gives values and indices. */
  readonly shared: Map<string, readonly string[]>;
}

/** Adds nodes for a tensor whose inputs are lowered already, and returns the name of its value. */
export type Lowering = (tensor: Tensor, inputs: readonly string[], graph: Draft) => string;
/** By operator. */
export type Lowerings = Readonly<Record<string, Lowering>>;

const lowerings: Lowerings = {
  add: elementwise("Add"),
  subtract: elementwise("Sub"),
  multiply: elementwise("Mul"),
  divide: elementwise("Div"),
  maximum: elementwise("Max"),
  minimum: elementwise("Min"),
  negate: elementwise("Neg"),
  exp: elementwise("Exp"),
  log: elementwise("Log"),
  sqrt: elementwise("Sqrt"),
  abs: elementwise("Abs"),
  sign: elementwise("Sign"),
  square: (_, [x], graph) => emit(graph, "Mul", [x!, x!]),
  relu: elementwise("Relu"),
  sigmoid: elementwise("Sigmoid"),
  tanh: elementwise("Tanh"),
  softplus: elementwise("Softplus"),
  leakyRelu: ({ attributes }, inputs, graph) =>
    emit(graph, "LeakyRelu", inputs, { alpha: { float: attributes["slope"] as number } }),

  // A transposed first operand is a node of its own: providers that read it faster in place fuse the two.
  matmul: ({ attributes }, [a, ...rest], graph) => {
    const first = attributes["transposeA"] ? emit(graph, "Transpose", [a!], { perm: [1, 0] }) : a!;
    return emit(graph, "Gemm", [first, ...rest], { transB: attributes["transposeB"] ? 1 : 0 });
  },

  sum: reduction("ReduceSum"),
  reduceMin: reduction("ReduceMin"),
  argMin: (tensor, inputs, graph) => toInt32(graph, argMin(tensor, inputs, graph)),
  smallestValues: (tensor, inputs, graph) => topK(tensor, inputs, graph)[0]!,
  smallestIndices: (tensor, inputs, graph) => toInt32(graph, topK(tensor, inputs, graph)[1]!),

  reshape: ({ shape, inputs: [x] }, inputs, graph) => {
    // 0 copies the length from the input: a batch that is free stays free.
    const keepsBatch = graph.freeBatch && shape[0] === x!.shape[0];
    return emit(graph, "Reshape", [...inputs, int64(graph, keepsBatch ? [0, ...shape.slice(1)] : shape)]);
  },
  broadcastTo: ({ shape }, inputs, graph) => emit(graph, "Expand", [...inputs, int64(graph, shape)]),
  transpose: ({ attributes }, inputs, graph) =>
    emit(graph, "Transpose", inputs, { perm: attributes["order"] as readonly number[] }),
  concat: ({ attributes }, inputs, graph) =>
    emit(graph, "Concat", inputs, { axis: attributes["axis"] as number }),
  slice: ({ attributes }, inputs, graph) => {
    const { axis, start, count } = attributes as { axis: number; start: number; count: number };
    const bounds = [[start], [start + count], [axis]].map((values) => int64(graph, values));
    return emit(graph, "Slice", [...inputs, ...bounds]);
  },

  conv2d: ({ attributes }, inputs, graph) => emit(graph, "Conv", inputs, convolution(attributes)),
  convTranspose2d: ({ attributes }, inputs, graph) =>
    emit(graph, "ConvTranspose", inputs, {
      ...convolution(attributes),
      output_padding: attributes["outputPadding"] as readonly number[],
    }),
  upsample2d: ({ attributes }, [x], graph) => {
    const factor = attributes["factor"] as number;
    // Of all the roundings that mean the same for a whole factor, this one has a fast path.
    return emit(graph, "Resize", [x!, "", float32(graph, [1, 1, factor, factor])], {
      mode: "nearest",
      coordinate_transformation_mode: "asymmetric",
      nearest_mode: "floor",
    });
  },
  averagePool2d: ({ attributes }, inputs, graph) => {
    const square = [attributes["factor"] as number, attributes["factor"] as number];
    return emit(graph, "AveragePool", inputs, { kernel_shape: square, strides: square });
  },
};

function convolution(attributes: Tensor["attributes"]) {
  const { stride, padding, dilation } = attributes as { stride: number; padding: number; dilation: number };
  return {
    strides: [stride, stride],
    pads: [padding, padding, padding, padding],
    dilations: [dilation, dilation],
  };
}

/** An ONNX operator that takes the same inputs and needs no attributes. */
function elementwise(op: string): Lowering {
  return (_, inputs, graph) => emit(graph, op, inputs);
}

function reduction(op: string): Lowering {
  return ({ attributes }, inputs, graph) =>
    emit(graph, op, [...inputs, int64(graph, attributes["axes"] as readonly number[])], {
      keepdims: attributes["keepDims"] ? 1 : 0,
    });
}

/** int64, as ONNX gives positions. */
export function argMin({ attributes }: Tensor, inputs: readonly string[], graph: Draft): string {
  const [axis] = attributes["axes"] as readonly number[];
  return emit(graph, "ArgMin", inputs, { axis: axis!, keepdims: attributes["keepDims"] ? 1 : 0 });
}

/** Values, and where they are in int64. */
export function topK({ attributes }: Tensor, [x]: readonly string[], graph: Draft): readonly string[] {
  const k = attributes["k"] as number;
  const key = `${x} ${k}`;
  let outputs = graph.shared.get(key);
  if (!outputs) {
    outputs = [`topk${graph.nodes.length}.values`, `topk${graph.nodes.length}.indices`];
    const inputs = [x!, int64(graph, [k])];
    graph.nodes.push({ op: "TopK", inputs, outputs, attributes: { axis: -1, largest: 0, sorted: 1 } });
    graph.shared.set(key, outputs);
  }
  return outputs;
}

function toInt32(graph: Draft, name: string): string {
  return emit(graph, "Cast", [name], { to: 6 });
}

export function emit(
  graph: Draft,
  op: string,
  inputs: readonly string[],
  attributes: OnnxNode["attributes"] = {},
): string {
  const name = `${op.toLowerCase()}${graph.nodes.length}`;
  graph.nodes.push({ op, inputs, outputs: [name], attributes });
  return name;
}

function int64(graph: Draft, values: readonly number[]): string {
  return stored(graph, "int64", BigInt64Array.from(values, BigInt));
}

function float32(graph: Draft, values: readonly number[]): string {
  return stored(graph, "float32", Float32Array.from(values));
}

/** Adds a constant, one-dimensional if no shape is given. */
export function stored(
  graph: Draft,
  dtype: OnnxTensor["dtype"],
  values: BigInt64Array | Int32Array | Float32Array,
  shape: readonly number[] = [values.length],
): string {
  const name = `constant${graph.initializers.length}`;
  graph.initializers.push({ name, dtype, shape, data: bytesOf(values) });
  return name;
}

function bytesOf(values: ArrayBufferView): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
