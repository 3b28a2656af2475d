// Exact re-ranking of what a cheap bound leaves over, AssemblyScript with fixed-width SIMD.
//
// Memory is imported and laid out by trainer/search/reranker.ts.

/** Numbers between two looks at whether a partial sum is already too large. */
const BLOCK: usize = 256;

/** ‖a − b‖² in float32, or any number ≥ `limit` as soon as a partial sum is: sums only grow. */
// @ts-ignore: decorator
@inline
function squaredDistance(a: usize, b: usize, length: usize, limit: f32): f32 {
  let total: f32 = 0;
  const whole = length & ~15;
  let at: usize = 0;
  while (at < whole) {
    const end = min(at + BLOCK, whole);
    let s0 = f32x4.splat(0), s1 = f32x4.splat(0), s2 = f32x4.splat(0), s3 = f32x4.splat(0);
    for (; at < end; at += 16) {
      const x = a + (at << 2), y = b + (at << 2);
      const d0 = f32x4.sub(v128.load(x), v128.load(y));
      const d1 = f32x4.sub(v128.load(x, 16), v128.load(y, 16));
      const d2 = f32x4.sub(v128.load(x, 32), v128.load(y, 32));
      const d3 = f32x4.sub(v128.load(x, 48), v128.load(y, 48));
      s0 = f32x4.add(s0, f32x4.mul(d0, d0));
      s1 = f32x4.add(s1, f32x4.mul(d1, d1));
      s2 = f32x4.add(s2, f32x4.mul(d2, d2));
      s3 = f32x4.add(s3, f32x4.mul(d3, d3));
    }
    const s = f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3));
    total += f32x4.extract_lane(s, 0) + f32x4.extract_lane(s, 1) + f32x4.extract_lane(s, 2) + f32x4.extract_lane(s, 3);
    if (total >= limit) return total;
  }
  for (; at < length; at++) {
    const d = load<f32>(a + (at << 2)) - load<f32>(b + (at << 2));
    total += d * d;
  }
  return total;
}

/**
 * Looks at the points of a tile whose bound leaves the possibility that they are nearer than a query's nearest so
 * far, in ascending order, and keeps the nearest.
 *
 * @param bounds    [queryCount, stride] float32: at most ‖q − p‖² − ‖q‖²
 * @param pointCount of each row of `bounds`, those that are looked at; a multiple of 16 is readable
 * @param norms     float32: ‖q‖² of every query, less what rounding may have added to a bound
 * @param best      in and out: float32, squared distance to the nearest point so far
 * @param indices   in and out: uint32, its number
 * @param first     the number of the tile's first point
 * @returns         how many distances were computed
 */
export function rerank(
  bounds: usize, stride: usize, queryCount: i32, pointCount: i32, length: usize, queries: usize, points: usize,
  norms: usize, best: usize, indices: usize, first: i32,
): i32 {
  let computed = 0;
  const rowBytes = length << 2;
  for (let i = 0; i < queryCount; i++) {
    let nearest = load<f32>(best + (<usize>i << 2));
    const norm = load<f32>(norms + (<usize>i << 2));
    let limit = nearest - norm;
    let limits = f32x4.splat(limit);
    const query = queries + <usize>i * rowBytes;
    const row = bounds + ((<usize>i * stride) << 2);
    for (let j = 0; j < pointCount; j += 16) {
      const at = row + (<usize>j << 2);
      const below = v128.or(
        v128.or(f32x4.lt(v128.load(at), limits), f32x4.lt(v128.load(at, 16), limits)),
        v128.or(f32x4.lt(v128.load(at, 32), limits), f32x4.lt(v128.load(at, 48), limits)),
      );
      if (!v128.any_true(below)) continue;
      const end = min(j + 16, pointCount);
      for (let k = j; k < end; k++) {
        if (load<f32>(row + (<usize>k << 2)) >= limit) continue;
        computed++;
        const distance = squaredDistance(query, points + <usize>k * rowBytes, length, nearest);
        if (distance < nearest) {
          nearest = distance;
          limit = nearest - norm;
          limits = f32x4.splat(limit);
          store<f32>(best + (<usize>i << 2), nearest);
          store<i32>(indices + (<usize>i << 2), first + k);
        }
      }
    }
  }
  return computed;
}
