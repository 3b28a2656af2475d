/**
 * Reads the part of ONNX's protobuf format that a feed-forward network needs: nodes, weights, inputs and outputs.
 *
 * Field numbers: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
 */

import { PbfReader } from "pbf";

export interface ReadGraph {
  readonly nodes: readonly ReadNode[];
  readonly weights: ReadonlyMap<string, ReadTensor>;
  /** What has to be fed, weights apart. */
  readonly inputs: readonly { readonly name: string; readonly shape: readonly (number | null)[] }[];
  readonly outputs: readonly string[];
}

export interface ReadNode {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, Attribute>;
}

export interface Attribute {
  readonly number: number;
  readonly text: string;
  readonly numbers: readonly number[];
  readonly tensor: ReadTensor | null;
}

export interface ReadTensor {
  readonly shape: readonly number[];
  readonly values: Float32Array<ArrayBuffer>;
}

/** The file isn't an ONNX model, or holds what isn't read here; the message says which. */
export class OnnxReadError extends Error {
  override readonly name = "OnnxReadError";
}

/** @throws OnnxReadError */
export function readOnnxModel(bytes: Uint8Array): ReadGraph {
  const graph: Draft = { nodes: [], weights: new Map(), inputs: [], outputs: [], found: false };
  try {
    new PbfReader(bytes).readFields((tag, draft, pbf) => {
      if (tag === 7) pbf.readMessage(readGraph, draft);
    }, graph);
  } catch (error) {
    if (error instanceof OnnxReadError) throw error;
    throw new OnnxReadError(`not an ONNX model (${(error as Error).message})`);
  }
  if (!graph.found) throw new OnnxReadError("not an ONNX model: it holds no graph");
  return { ...graph, inputs: graph.inputs.filter(({ name }) => !graph.weights.has(name)) };
}

interface Draft {
  readonly nodes: ReadNode[];
  readonly weights: Map<string, ReadTensor>;
  readonly inputs: { name: string; shape: (number | null)[] }[];
  readonly outputs: string[];
  found: boolean;
}

function readGraph(tag: number, draft: Draft, pbf: PbfReader): void {
  draft.found = true;
  if (tag === 1) draft.nodes.push(readNode(pbf));
  else if (tag === 5) {
    const { name, ...tensor } = readTensor(pbf);
    draft.weights.set(name, tensor);
  } else if (tag === 11) draft.inputs.push(readValue(pbf));
  else if (tag === 12) draft.outputs.push(readValue(pbf).name);
}

function readNode(pbf: PbfReader): ReadNode {
  const node = {
    op: "",
    inputs: [] as string[],
    outputs: [] as string[],
    attributes: new Map<string, Attribute>(),
  };
  return pbf.readMessage((tag, draft) => {
    if (tag === 1) draft.inputs.push(pbf.readString());
    else if (tag === 2) draft.outputs.push(pbf.readString());
    else if (tag === 4) draft.op = pbf.readString();
    else if (tag === 5) {
      const { name, ...attribute } = readAttribute(pbf);
      draft.attributes.set(name, attribute);
    }
  }, node);
}

function readAttribute(pbf: PbfReader): Attribute & { readonly name: string } {
  const draft = { name: "", number: 0, text: "", numbers: [] as number[], tensor: null as ReadTensor | null };
  return pbf.readMessage((tag, attribute) => {
    if (tag === 1) attribute.name = pbf.readString();
    else if (tag === 2) attribute.number = pbf.readFloat();
    else if (tag === 3) attribute.number = pbf.readVarint(true);
    else if (tag === 4) attribute.text = new TextDecoder().decode(pbf.readBytes());
    else if (tag === 5) attribute.tensor = readTensor(pbf);
    else if (tag === 7)
      attribute.numbers.push(...(pbf.type === 2 ? pbf.readPackedFloat() : [pbf.readFloat()]));
    else if (tag === 8)
      attribute.numbers.push(...(pbf.type === 2 ? pbf.readPackedVarint([], true) : [pbf.readVarint(true)]));
  }, draft);
}

const [FLOAT, INT32, INT64, DOUBLE] = [1, 6, 7, 11];

function readTensor(pbf: PbfReader): ReadTensor & { readonly name: string } {
  const draft = {
    name: "",
    shape: [] as number[],
    type: 0,
    raw: null as Uint8Array | null,
    floats: [] as number[],
    integers: [] as number[],
    elsewhere: false,
  };
  pbf.readMessage((tag, tensor) => {
    if (tag === 1) tensor.shape.push(...(pbf.type === 2 ? pbf.readPackedVarint() : [pbf.readVarint()]));
    else if (tag === 2) tensor.type = pbf.readVarint();
    else if (tag === 4) tensor.floats.push(...(pbf.type === 2 ? pbf.readPackedFloat() : [pbf.readFloat()]));
    else if (tag === 5 || tag === 7) {
      tensor.integers.push(...(pbf.type === 2 ? pbf.readPackedVarint([], true) : [pbf.readVarint(true)]));
    } else if (tag === 8) tensor.name = pbf.readString();
    else if (tag === 9) tensor.raw = pbf.readBytes();
    else if (tag === 14) tensor.elsewhere = pbf.readVarint() !== 0;
  }, draft);
  const { name, shape, type, raw } = draft;
  const size = shape.reduce((product, side) => product * side, 1);
  if (draft.elsewhere) {
    throw new OnnxReadError(`weight "${name}" lies in another file; save the model with its weights inside`);
  }
  const values = raw
    ? valuesOf(raw, type, name)
    : Float32Array.from(type === FLOAT ? draft.floats : draft.integers);
  if (values.length !== size) {
    throw new OnnxReadError(`weight "${name}" has ${values.length} numbers, its shape says ${size}`);
  }
  return { name, shape, values };
}

function valuesOf(raw: Uint8Array, type: number, name: string): Float32Array<ArrayBuffer> {
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const read: Readonly<Record<number, readonly [bytes: number, at: (offset: number) => number]>> = {
    [FLOAT!]: [4, (offset) => view.getFloat32(offset, true)],
    [INT32!]: [4, (offset) => view.getInt32(offset, true)],
    [INT64!]: [8, (offset) => Number(view.getBigInt64(offset, true))],
    [DOUBLE!]: [8, (offset) => view.getFloat64(offset, true)],
  };
  const entry = read[type];
  if (!entry)
    throw new OnnxReadError(
      `weight "${name}" has element type ${type}; float32, float64, int32 and int64 are read`,
    );
  const [bytes, at] = entry;
  return Float32Array.from({ length: Math.floor(raw.byteLength / bytes) }, (_, i) => at(i * bytes));
}

function readValue(pbf: PbfReader): { name: string; shape: (number | null)[] } {
  const value = { name: "", shape: [] as (number | null)[] };
  return pbf.readMessage((tag, draft) => {
    if (tag === 1) draft.name = pbf.readString();
    else if (tag === 2) pbf.readMessage(readType, draft.shape);
  }, value);
}

function readType(tag: number, shape: (number | null)[], pbf: PbfReader): void {
  if (tag === 1) pbf.readMessage(readTensorType, shape);
}

function readTensorType(tag: number, shape: (number | null)[], pbf: PbfReader): void {
  if (tag === 2) pbf.readMessage(readShape, shape);
}

function readShape(tag: number, shape: (number | null)[], pbf: PbfReader): void {
  if (tag !== 1) return;
  const dimension = { length: null as number | null };
  pbf.readMessage((field, draft) => {
    if (field === 1) draft.length = pbf.readVarint();
  }, dimension);
  shape.push(dimension.length);
}
