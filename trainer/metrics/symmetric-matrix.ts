/** Eigenvalues of symmetric matrices, and what follows from them; matrices are [size, size] float64, row-major. */

export interface Eigen {
  /** In no order. */
  readonly values: Float64Array<ArrayBuffer>;
  /** Orthonormal; the eigenvector of value i is row i. */
  readonly vectors: Float64Array<ArrayBuffer>;
}

/** Sweeps converge quadratically: a matrix of 400 rows takes 9. */
const MAX_SWEEPS = 50;
/** Below this share of the matrix, what lies off the diagonal is rounding. */
const NOTHING = 1e-15;

/**
 * By Jacobi's method: rotations that zero one pair of numbers off the diagonal after the other.
 *
 * Source: Golub & Van Loan, "Matrix Computations", section 8.5.
 */
export function symmetricEigen(matrix: Float64Array, size: number): Eigen {
  const a = Float64Array.from(matrix);
  const vectors = identity(size);
  const norm = Math.hypot(...rowNorms(a, size));
  for (let sweep = 0; sweep < MAX_SWEEPS; sweep++) {
    if (offDiagonal(a, size) <= NOTHING * norm) break;
    for (let p = 0; p < size; p++) {
      for (let q = p + 1; q < size; q++) {
        const apq = a[p * size + q]!;
        if (Math.abs(apq) <= (NOTHING * norm) / size) continue;
        const theta = (a[q * size + q]! - a[p * size + p]!) / (2 * apq);
        const t = (theta >= 0 ? 1 : -1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
        const cosine = 1 / Math.sqrt(t * t + 1);
        rotateColumns(a, size, p, q, cosine, t * cosine);
        rotateRows(a, size, p, q, cosine, t * cosine);
        rotateRows(vectors, size, p, q, cosine, t * cosine);
      }
    }
  }
  return { values: Float64Array.from({ length: size }, (_, i) => a[i * size + i]!), vectors };
}

/** The root of a matrix without negative eigenvalues; those that rounding made negative count as 0. */
export function squareRoot(matrix: Float64Array, size: number): Float64Array<ArrayBuffer> {
  const { values, vectors } = symmetricEigen(matrix, size);
  const scaled = vectors.map((value, at) => value * Math.sqrt(Math.max(0, values[Math.floor(at / size)]!)));
  return product(transposed(scaled, size), vectors, size);
}

/** a·b. */
export function product(a: Float64Array, b: Float64Array, size: number): Float64Array<ArrayBuffer> {
  const result = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let k = 0; k < size; k++) {
      const factor = a[i * size + k]!;
      for (let j = 0; j < size; j++) result[i * size + j]! += factor * b[k * size + j]!;
    }
  }
  return result;
}

function transposed(matrix: Float64Array, size: number): Float64Array {
  return matrix.map((_, at) => matrix[(at % size) * size + Math.floor(at / size)]!);
}

function identity(size: number): Float64Array<ArrayBuffer> {
  const result = new Float64Array(size * size);
  for (let i = 0; i < size; i++) result[i * size + i] = 1;
  return result;
}

/** Rows p and q become cos·p − sin·q and sin·p + cos·q. */
function rotateRows(m: Float64Array, size: number, p: number, q: number, cosine: number, sine: number): void {
  for (let i = 0; i < size; i++) {
    const [x, y] = [m[p * size + i]!, m[q * size + i]!];
    m[p * size + i] = cosine * x - sine * y;
    m[q * size + i] = sine * x + cosine * y;
  }
}

function rotateColumns(
  m: Float64Array,
  size: number,
  p: number,
  q: number,
  cosine: number,
  sine: number,
): void {
  for (let i = 0; i < size; i++) {
    const [x, y] = [m[i * size + p]!, m[i * size + q]!];
    m[i * size + p] = cosine * x - sine * y;
    m[i * size + q] = sine * x + cosine * y;
  }
}

function rowNorms(matrix: Float64Array, size: number): number[] {
  return Array.from({ length: size }, (_, i) => Math.hypot(...matrix.subarray(i * size, (i + 1) * size)));
}

/** The norm of what lies off the diagonal. */
function offDiagonal(matrix: Float64Array, size: number): number {
  let squares = 0;
  for (let at = 0; at < matrix.length; at++) if (at % (size + 1) !== 0) squares += matrix[at]! ** 2;
  return Math.sqrt(squares);
}
