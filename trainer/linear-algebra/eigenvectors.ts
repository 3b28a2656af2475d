/** Eigenvectors of small symmetric matrices: [size, size] float64, row-major. */

export interface Eigen {
  /** Descending. */
  readonly values: Float64Array;
  /** [size, size]: row i belongs to value i; orthonormal. */
  readonly vectors: Float64Array;
}

const MOST_SWEEPS = 50;

/**
 * Cyclic Jacobi rotations, until what is beside the diagonal is rounding.
 *
 * Source: Golub & Van Loan, "Matrix Computations", section 8.5.
 */
export function symmetricEigen(matrix: Float64Array, size: number): Eigen {
  const a = Float64Array.from(matrix);
  const vectors = new Float64Array(size * size);
  for (let i = 0; i < size; i++) vectors[i * (size + 1)] = 1;
  const largest = a.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  for (let sweep = 0; sweep < MOST_SWEEPS; sweep++) {
    let beside = 0;
    for (let p = 0; p < size; p++) {
      for (let q = p + 1; q < size; q++) {
        const coupling = a[p * size + q]!;
        if (Math.abs(coupling) <= Number.EPSILON * largest) continue;
        beside = Math.max(beside, Math.abs(coupling));
        const theta = (a[q * (size + 1)]! - a[p * (size + 1)]!) / (2 * coupling);
        const tangent = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.hypot(theta, 1));
        const cosine = 1 / Math.hypot(tangent, 1);
        const sine = tangent * cosine;
        for (let k = 0; k < size; k++) turn(a, k * size + p, k * size + q, cosine, sine);
        for (let k = 0; k < size; k++) turn(a, p * size + k, q * size + k, cosine, sine);
        for (let k = 0; k < size; k++) turn(vectors, p * size + k, q * size + k, cosine, sine);
      }
    }
    if (beside <= 1e-14 * largest) break;
  }
  const order = Array.from({ length: size }, (_, i) => i).sort(
    (i, j) => a[j * (size + 1)]! - a[i * (size + 1)]! || i - j,
  );
  return {
    values: Float64Array.from(order, (i) => a[i * (size + 1)]!),
    vectors: Float64Array.from(order.flatMap((i) => [...vectors.subarray(i * size, (i + 1) * size)])),
  };
}

function turn(values: Float64Array, p: number, q: number, cosine: number, sine: number): void {
  const [x, y] = [values[p]!, values[q]!];
  values[p] = cosine * x - sine * y;
  values[q] = sine * x + cosine * y;
}
