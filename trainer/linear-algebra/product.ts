/** Products of square matrices: [size, size] float64, row-major. */

/** a·b, or aᵀ·b. */
export function product(
  a: Float64Array,
  b: Float64Array,
  size: number,
  { transposeA = false } = {},
): Float64Array<ArrayBuffer> {
  const result = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let k = 0; k < size; k++) {
      const factor = transposeA ? a[k * size + i]! : a[i * size + k]!;
      if (factor === 0) continue;
      for (let j = 0; j < size; j++) result[i * size + j]! += factor * b[k * size + j]!;
    }
  }
  return result;
}
