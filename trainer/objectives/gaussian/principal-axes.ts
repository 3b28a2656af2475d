import { symmetricEigen } from "../../linear-algebra/eigen.ts";
import { cellMoments } from "./cells.ts";

export interface PrincipalAxes {
  readonly mean: Float64Array;
  /** [n, length]: orthogonal, as long as the standard deviation along them, longest first; n = min(rows, length). */
  readonly axes: Float64Array;
  /** [n]: the squared lengths of the axes. */
  readonly variances: Float64Array;
}

/**
 * Mean and principal axes of some of the rows. Fewer rows than numbers are decomposed by their products with each
 * other, which is the smaller matrix.
 */
export function principalAxes(rows: Float32Array, length: number, cell: Int32Array): PrincipalAxes {
  const count = cell.length;
  const { mean, covariance } = cellMoments(rows, length, cell);
  if (count >= length) {
    const { values, vectors } = symmetricEigen(covariance, length);
    const variances = values.map((value) => Math.max(0, value));
    return {
      mean,
      variances,
      axes: vectors.map((x, at) => x * Math.sqrt(variances[Math.floor(at / length)]!)),
    };
  }
  const centred = Float64Array.from({ length: count * length }, (_, at) => {
    const column = at % length;
    return rows[cell[Math.floor(at / length)]! * length + column]! - mean[column]!;
  });
  const scale = 1 / Math.max(1, count - 1);
  const products = new Float64Array(count * count);
  for (let i = 0; i < count; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let k = 0; k < length; k++) sum += centred[i * length + k]! * centred[j * length + k]!;
      products[i * count + j] = products[j * count + i] = sum * scale;
    }
  }
  const { values, vectors } = symmetricEigen(products, count);
  const axes = new Float64Array(count * length);
  for (let i = 0; i < count; i++) {
    for (let row = 0; row < count; row++) {
      const factor = vectors[i * count + row]! * Math.sqrt(scale);
      for (let k = 0; k < length; k++) axes[i * length + k]! += factor * centred[row * length + k]!;
    }
  }
  return { mean, axes, variances: values.map((value) => Math.max(0, value)) };
}
