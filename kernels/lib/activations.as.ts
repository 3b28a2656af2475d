// Activations, in place over `bytes` bytes, a multiple of 16. NaN stays NaN.

export function relu(values: usize, bytes: usize): void {
  const zero = f32x4.splat(0);
  for (const end = values + bytes; values < end; values += 16) {
    v128.store(values, f32x4.max(v128.load(values), zero));
  }
}

export function leakyRelu(values: usize, bytes: usize, slope: f32): void {
  const zero = f32x4.splat(0);
  const vSlope = f32x4.splat(slope);
  for (const end = values + bytes; values < end; values += 16) {
    const x = v128.load(values);
    v128.store(values, v128.bitselect(f32x4.mul(x, vSlope), x, f32x4.lt(x, zero)));
  }
}

export function sigmoid(values: usize, bytes: usize): void {
  const one = f32x4.splat(1);
  for (const end = values + bytes; values < end; values += 16) {
    const x = v128.load(values);
    v128.store(values, f32x4.div(one, f32x4.add(one, exp(f32x4.neg(x)))));
  }
}

/** Of |x|, so that it is odd: (1 − e) / (1 + e) with e = exp(−2|x|). */
export function tanh(values: usize, bytes: usize): void {
  const one = f32x4.splat(1);
  const sign = i32x4.splat(i32.MIN_VALUE);
  for (const end = values + bytes; values < end; values += 16) {
    const x = v128.load(values);
    const e = exp(f32x4.mul(f32x4.abs(x), f32x4.splat(-2)));
    const size = f32x4.div(f32x4.sub(one, e), f32x4.add(one, e));
    v128.store(values, v128.bitselect(x, size, sign));
  }
}

/**
 * eˣ within 2e-7 of itself; beyond ±87, where float32 ends, e^±87. WebAssembly has no exp of its own, and the
 * hosts' differ: so it is 2ᵏ·eʳ with |r| ≤ ln(2)/2 and eʳ's polynomial (Cephes, expf).
 */
// @ts-ignore: decorator
@inline
function exp(x: v128): v128 {
  x = f32x4.max(f32x4.min(x, f32x4.splat(87)), f32x4.splat(-87));
  const k = f32x4.nearest(f32x4.mul(x, f32x4.splat(1.44269504088896341)));
  // ln(2) in two parts, so that their products with k are exact.
  let r = f32x4.sub(x, f32x4.mul(k, f32x4.splat(0.693359375)));
  r = f32x4.sub(r, f32x4.mul(k, f32x4.splat(-2.12194440e-4)));
  let p = f32x4.splat(1.9875691500e-4);
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.3981999507e-3));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(8.3334519073e-3));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(4.1665795894e-2));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.6666665459e-1));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(5.0000001201e-1));
  p = f32x4.add(f32x4.add(f32x4.mul(f32x4.mul(p, r), r), r), f32x4.splat(1));
  // 2ᵏ by its bits.
  const power = i32x4.shl(i32x4.add(i32x4.trunc_sat_f32x4_s(k), i32x4.splat(127)), 23);
  return f32x4.mul(p, power);
}
