/** Factors of covariances: [size, size] float64, row-major. */

export interface PivotedFactor {
  /** [rank, size], row-major: the transpose of L, where L·Lᵀ is the matrix. */
  readonly rows: Float64Array;
  readonly rank: number;
  /** The logarithm of the determinant of the rows and columns that the pivots are in. */
  readonly logDeterminant: number;
}

/** A pivot below this share of the largest number on the diagonal is rounding, where the matrix is of float32 products. */
const PRODUCTS_ROUNDING = 1e-6;
/** And where it is exact to float64. */
const ROUNDING = 1e-14;

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
  const least = PRODUCTS_ROUNDING * Math.max(...left);
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

/**
 * The lower triangle L of a matrix without negative eigenvalues, so that L·Lᵀ is the matrix; a column that depends on
 * those before it is 0.
 */
export function cholesky(matrix: Float64Array, size: number): Float64Array<ArrayBuffer> {
  const lower = new Float64Array(size * size);
  let largest = 0;
  for (let j = 0; j < size; j++) largest = Math.max(largest, matrix[j * size + j]!);
  /** Σ L[i, k]·L[j, k] over the columns before j. */
  const inner = (i: number, j: number) => {
    let sum = 0;
    for (let k = 0; k < j; k++) sum += lower[i * size + k]! * lower[j * size + k]!;
    return sum;
  };
  for (let j = 0; j < size; j++) {
    const pivot = matrix[j * size + j]! - inner(j, j);
    if (pivot <= ROUNDING * largest) continue;
    const root = Math.sqrt(pivot);
    lower[j * size + j] = root;
    for (let i = j + 1; i < size; i++) lower[i * size + j] = (matrix[i * size + j]! - inner(i, j)) / root;
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
