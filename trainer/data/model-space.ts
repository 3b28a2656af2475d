/**
 * Between the data's own numbers and those that the generator is trained on: pixels become 0 … 1, vectors
 * get mean 0 and standard deviation 1 in every dimension.
 */

import type { Dataset, Rows } from "./dataset.ts";

export interface ModelSpace {
  /** Data = model · scale + shift, per number of a row; null where that is the identity (images in 0 … 1). */
  readonly affine: { readonly scale: Float64Array; readonly shift: Float64Array } | null;
  /** Some rows in model space: [indices.length, length] float32. */
  gather(rows: Rows, indices: ArrayLike<number>): Float32Array<ArrayBuffer>;
  /** Rows in the units that the exported generator gives (images 0 … 1, vectors as in the data): all of them. */
  outputUnits(rows: Rows): Float32Array<ArrayBuffer>;
}

export function modelSpaceOf(dataset: Dataset): ModelSpace {
  return dataset.kind === "image" ? pixelSpace() : standardisedSpace(dataset.train);
}

function pixelSpace(): ModelSpace {
  // A table makes the conversion one load; float32(value / 255) is what every reader of the bundle computes.
  const table = Float32Array.from({ length: 256 }, (_, value) => value / 255);
  return {
    affine: null,
    gather: (rows, indices) => gatherRows(rows, indices, (value) => table[value]!),
    outputUnits({ values }) {
      // A loop, as `from` with a function takes ten times as long.
      const units = new Float32Array(values.length);
      for (let i = 0; i < values.length; i++) units[i] = table[values[i]!]!;
      return units;
    },
  };
}

function standardisedSpace(train: Rows): ModelSpace {
  const { length, count, values } = train;
  const shift = new Float64Array(length);
  const scale = new Float64Array(length);
  for (let i = 0; i < values.length; i++) shift[i % length]! += values[i]! / count;
  for (let i = 0; i < values.length; i++)
    scale[i % length]! += (values[i]! - shift[i % length]!) ** 2 / count;
  // A dimension that never changes has nothing to scale.
  for (let j = 0; j < length; j++) scale[j] = Math.sqrt(scale[j]!) || 1;
  return affineSpace({ scale, shift });
}

/** The data shifted and scaled, number by number of a row. */
export function affineSpace(affine: NonNullable<ModelSpace["affine"]>): ModelSpace {
  const { scale, shift } = affine;
  return {
    affine,
    gather: (rows, indices) => gatherRows(rows, indices, (value, j) => (value - shift[j]!) / scale[j]!),
    outputUnits: (rows) => Float32Array.from(rows.values),
  };
}

function gatherRows(
  { values, length }: Rows,
  indices: ArrayLike<number>,
  convert: (value: number, column: number) => number,
): Float32Array<ArrayBuffer> {
  const gathered = new Float32Array(indices.length * length);
  for (let i = 0; i < indices.length; i++) {
    const from = indices[i]! * length;
    const to = i * length;
    for (let j = 0; j < length; j++) gathered[to + j] = convert(values[from + j]!, j);
  }
  return gathered;
}
