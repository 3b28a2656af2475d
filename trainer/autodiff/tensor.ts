/**
 * Symbolic tensors: nodes of an expression graph with a static shape, and no values.
 *
 * A model, a loss or a search is written once as ordinary functions over these; an engine compiles the
 * graph and runs it on numbers. `differentiate` extends a graph by its gradients.
 */

export type Shape = readonly number[];
export type DataType = "float32" | "int32";

/** Everything an operator needs beside its inputs; plain data, so that graphs can be compared and printed. */
export type Attributes = Readonly<Record<string, number | string | boolean | readonly number[]>>;

export interface Tensor {
  /** What computes it: an operator's name, or `input`, `parameter`, `constant` for leaves. */
  readonly op: string;
  readonly inputs: readonly Tensor[];
  readonly attributes: Attributes;
  readonly shape: Shape;
  readonly dtype: DataType;
  /** A constant's numbers, row-major. */
  readonly values?: Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>;
}

/** A placeholder that is fed at every run. */
export function input(name: string, shape: Shape, dtype: DataType = "float32"): Tensor {
  return { op: "input", inputs: [], attributes: { name }, shape, dtype };
}

/** A trainable weight; the engine holds its value, and `differentiate` gives its gradient. */
export function parameter(name: string, shape: Shape): Tensor {
  return { op: "parameter", inputs: [], attributes: { name }, shape, dtype: "float32" };
}

/** A float32 constant: one number, or numbers of the given shape in row-major order. */
export function constant(values: number | readonly number[] | Float32Array, shape?: Shape): Tensor {
  const list = Float32Array.from(typeof values === "number" ? [values] : values);
  const dims = shape ?? (typeof values === "number" ? [] : [list.length]);
  if (sizeOf(dims) !== list.length) {
    throw new ShapeError(`constant: ${list.length} numbers don't fill shape ${printShape(dims)}`);
  }
  return { op: "constant", inputs: [], attributes: {}, shape: dims, dtype: "float32", values: list };
}

/** Shapes that don't fit together; a mistake in the model's code, so it names operator and shapes. */
export class ShapeError extends Error {
  override readonly name = "ShapeError";
}

/** The number of elements of a tensor with this shape. */
export function sizeOf(shape: Shape): number {
  return shape.reduce((product, length) => product * length, 1);
}

export function printShape(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((length, axis) => length === b[axis]);
}

/** The shape of an elementwise result by NumPy's broadcasting rule. */
export function broadcastShape(op: string, a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const fromA = a[axis - rank + a.length] ?? 1;
    const fromB = b[axis - rank + b.length] ?? 1;
    if (fromA !== fromB && fromA !== 1 && fromB !== 1) {
      throw new ShapeError(`${op}: shapes ${printShape(a)} and ${printShape(b)} don't broadcast`);
    }
    return fromA === 1 ? fromB : fromA;
  });
}

/** All tensors that `outputs` depend on, each after its inputs. */
export function topologicalOrder(outputs: readonly Tensor[]): Tensor[] {
  const order: Tensor[] = [];
  const seen = new Set<Tensor>();
  // Iterative, because an unrolled graph can be deeper than the call stack.
  const stack: { tensor: Tensor; next: number }[] = [];
  const enter = (tensor: Tensor) => {
    if (!seen.has(tensor)) {
      seen.add(tensor);
      stack.push({ tensor, next: 0 });
    }
  };
  for (const output of outputs) {
    enter(output);
    while (stack.length > 0) {
      const top = stack[stack.length - 1]!;
      const child = top.tensor.inputs[top.next++];
      if (child) enter(child);
      else order.push(stack.pop()!.tensor);
    }
  }
  return order;
}
