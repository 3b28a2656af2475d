/** Eigenvalues and eigenvectors of symmetric matrices of any size: [size, size] float64, row-major. */

export interface Eigen {
  /** Descending. */
  readonly values: Float64Array;
  /** [size, size]: row i belongs to value i; orthonormal. */
  readonly vectors: Float64Array;
}

/**
 * The eigenvalues of a symmetric matrix, in no order, to about 1e-15 of the largest.
 *
 * Source: Golub & Van Loan, "Matrix Computations", sections 8.3.1 and 8.3.3.
 */
export function eigenvalues(matrix: Float64Array, size: number): Float64Array<ArrayBuffer> {
  const { diagonal, beside } = tridiagonal(matrix, size, null);
  return tridiagonalEigenvalues(diagonal, beside, null);
}

/** Both, by the same way. */
export function symmetricEigen(matrix: Float64Array, size: number): Eigen {
  const vectors = new Float64Array(size * size);
  for (let i = 0; i < size; i++) vectors[i * (size + 1)] = 1;
  const { diagonal, beside } = tridiagonal(matrix, size, vectors);
  const values = tridiagonalEigenvalues(diagonal, beside, vectors);
  const order = Array.from(values.keys()).sort((i, j) => values[j]! - values[i]! || i - j);
  const sorted = new Float64Array(size * size);
  for (const [row, i] of order.entries()) sorted.set(vectors.subarray(i * size, (i + 1) * size), row * size);
  return { values: Float64Array.from(order, (i) => values[i]!), vectors: sorted };
}

/**
 * The same eigenvalues in a matrix that is 0 but on and beside its diagonal, by Householder's reflections.
 *
 * @param rows [size, size] that are reflected too, or null
 */
function tridiagonal(matrix: Float64Array, size: number, rows: Float64Array | null) {
  const a = Float64Array.from(matrix);
  const diagonal = new Float64Array(size);
  const beside = new Float64Array(size); // number i couples i and i + 1; the last is 0
  const v = new Float64Array(size);
  const w = new Float64Array(size);
  for (let k = 0; k < size; k++) {
    diagonal[k] = a[k * size + k]!;
    if (k === size - 1) break;
    let norm = 0;
    for (let i = k + 1; i < size; i++) norm = Math.hypot(norm, a[k * size + i]!);
    beside[k] = a[k * size + k + 1]! > 0 ? -norm : norm;
    // Row k beyond the diagonal, reflected onto its first number.
    for (let i = k + 1; i < size; i++) v[i] = a[k * size + i]!;
    v[k + 1]! -= beside[k]!;
    let squares = 0;
    for (let i = k + 1; i < size; i++) squares += v[i]! ** 2;
    if (squares === 0) continue;
    let along = 0;
    for (let i = k + 1; i < size; i++) {
      let sum = 0;
      for (let j = k + 1; j < size; j++) sum += a[i * size + j]! * v[j]!;
      w[i] = (2 * sum) / squares;
      along += w[i]! * v[i]!;
    }
    for (let i = k + 1; i < size; i++) w[i]! -= (along / squares) * v[i]!;
    for (let i = k + 1; i < size; i++) {
      for (let j = k + 1; j < size; j++) a[i * size + j]! -= v[i]! * w[j]! + w[i]! * v[j]!;
    }
    if (rows) reflect(rows, size, v, k + 1, 2 / squares);
  }
  return { diagonal, beside };
}

/** Rows `first` and below, less `share` times what of them lies along `v`. */
function reflect(rows: Float64Array, size: number, v: Float64Array, first: number, share: number): void {
  const along = new Float64Array(size);
  for (let i = first; i < size; i++) {
    for (let j = 0; j < size; j++) along[j]! += v[i]! * rows[i * size + j]!;
  }
  for (let i = first; i < size; i++) {
    const weight = share * v[i]!;
    for (let j = 0; j < size; j++) rows[i * size + j]! -= weight * along[j]!;
  }
}

/**
 * QL steps with implicit shifts, until nothing is left beside the diagonal; both arrays are overwritten.
 *
 * @param rows [size, size] that are turned too, or null
 */
function tridiagonalEigenvalues(
  d: Float64Array<ArrayBuffer>,
  e: Float64Array,
  rows: Float64Array | null,
): Float64Array<ArrayBuffer> {
  const size = d.length;
  let largest = 0;
  for (let i = 0; i < size; i++) largest = Math.max(largest, Math.abs(d[i]!), Math.abs(e[i]!));
  // What is no number ends it too.
  const isNothing = (i: number) => !(Math.abs(e[i]!) > 2e-16 * largest);
  for (let first = 0; first < size; first++) {
    while (!isNothing(first)) {
      let last = first + 1;
      while (last < size - 1 && !isNothing(last)) last++;
      const slope = (d[first + 1]! - d[first]!) / (2 * e[first]!);
      const shift = e[first]! / (slope + (slope < 0 ? -1 : 1) * Math.hypot(slope, 1));
      let g = d[last]! - d[first]! + shift;
      let [sine, cosine, moved] = [1, 1, 0];
      let i = last - 1;
      for (; i >= first; i--) {
        const f = sine * e[i]!;
        const b = cosine * e[i]!;
        const r = Math.hypot(f, g);
        e[i + 1] = r;
        if (r === 0) break;
        sine = f / r;
        cosine = g / r;
        const before = d[i + 1]! - moved;
        const turned = (d[i]! - before) * sine + 2 * cosine * b;
        moved = sine * turned;
        d[i + 1] = before + moved;
        g = cosine * turned - b;
        if (rows) turn(rows, size, i, cosine, sine);
      }
      if (i >= first) {
        d[i + 1]! -= moved;
      } else {
        d[first]! -= moved;
        e[first] = g;
      }
      e[last] = 0;
    }
  }
  return d;
}

/** Turns row i and the next one. */
function turn(rows: Float64Array, size: number, i: number, cosine: number, sine: number): void {
  for (let k = i * size; k < (i + 1) * size; k++) {
    const [x, y] = [rows[k]!, rows[k + size]!];
    rows[k] = cosine * x - sine * y;
    rows[k + size] = sine * x + cosine * y;
  }
}
