/** Factors of covariances, in float64. */

export interface PivotedFactor {
  /** [rank, size], row-major: the transpose of L, where L·Lᵀ is the matrix. */
  readonly rows: Float64Array;
  readonly rank: number;
  /** The logarithm of the determinant of the rows and columns that the pivots are in. */
  readonly logDeterminant: number;
}

/** What is left of a diagonal below this share of its largest number is rounding. */
const NOTHING = 1e-6;

/**
 * Cholesky's decomposition that takes the largest pivot that is left, and ends where there is none: for covariances of
 * numbers that depend on each other.
 *
 * @param matrix [size, size], symmetric and positive semidefinite
 *
 * Source: Higham 2009, "Cholesky factorization", doi:10.1002/wics.18, on complete pivoting.
 */
export function pivotedCholesky(matrix: Float64Array, size: number): PivotedFactor {
  const left = Float64Array.from({ length: size }, (_, i) => matrix[i * size + i]!);
  const least = NOTHING * Math.max(...left);
  const rows = new Float64Array(size * size);
  let rank = 0;
  let logDeterminant = 0;
  for (; rank < size; rank++) {
    const pivot = left.indexOf(Math.max(...left));
    if (!(left[pivot]! > least)) break;
    const root = Math.sqrt(left[pivot]!);
    logDeterminant += 2 * Math.log(root);
    const row = rows.subarray(rank * size, (rank + 1) * size);
    row.set(matrix.subarray(pivot * size, (pivot + 1) * size));
    for (let k = 0; k < rank; k++) {
      const other = rows.subarray(k * size, (k + 1) * size);
      const factor = other[pivot]!;
      for (let i = 0; i < size; i++) row[i]! -= factor * other[i]!;
    }
    for (let i = 0; i < size; i++) {
      // What was a pivot before is wholly explained.
      row[i] = left[i]! > 0 ? row[i]! / root : 0;
      left[i] = left[i]! > 0 ? left[i]! - row[i]! ** 2 : 0;
    }
    row[pivot] = root;
    left[pivot] = 0;
  }
  return { rows: rows.subarray(0, rank * size), rank, logDeterminant };
}

/** The lower triangle L with L·Lᵀ = matrix, [size, size] row-major; the matrix is positive definite. */
export function cholesky(matrix: Float64Array, size: number): Float64Array {
  const lower = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      let value = matrix[i * size + j]!;
      for (let k = 0; k < j; k++) value -= lower[i * size + k]! * lower[j * size + k]!;
      lower[i * size + j] = i === j ? Math.sqrt(value) : value / lower[j * size + j]!;
    }
  }
  return lower;
}

/** The inverse of a lower triangle, a lower triangle as well. */
export function inverseOfLower(lower: Float64Array, size: number): Float64Array {
  const inverse = new Float64Array(size * size);
  for (let j = 0; j < size; j++) {
    inverse[j * size + j] = 1 / lower[j * size + j]!;
    for (let i = j + 1; i < size; i++) {
      let value = 0;
      for (let k = j; k < i; k++) value -= lower[i * size + k]! * inverse[k * size + j]!;
      inverse[i * size + j] = value / lower[i * size + i]!;
    }
  }
  return inverse;
}
