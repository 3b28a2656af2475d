/**
 * One Adam update over flat float32 arrays, in one pass (AssemblyScript, wasm SIMD).
 *
 * Bias correction is folded into `rate` and `epsilon` by the caller:
 * rate = learningRate·√(1 − β₂ᵗ)/(1 − β₁ᵗ), epsilon = ε·√(1 − β₂ᵗ).
 *
 * A first moment that shrinks towards 0 (the weights of a dead ReLU get no gradient) would become
 * subnormal, and subnormal arithmetic is about 100 times slower; so tiny moments are flushed to 0.
 *
 * Pointers are 16-byte aligned; `count` is a multiple of 4.
 */
export function adam(
  weights: usize,
  gradients: usize,
  firstMoments: usize,
  secondMoments: usize,
  averages: usize,
  count: usize,
  rate: f32,
  beta1: f32,
  beta2: f32,
  epsilon: f32,
  decay: f32,
  averageRate: f32,
): void {
  const vRate = f32x4.splat(rate);
  const vBeta1 = f32x4.splat(beta1);
  const vBeta1Rest = f32x4.splat(1 - beta1);
  const vBeta2 = f32x4.splat(beta2);
  const vBeta2Rest = f32x4.splat(1 - beta2);
  const vEpsilon = f32x4.splat(epsilon);
  const vKeep = f32x4.splat(1 - decay);
  const vAverageRate = f32x4.splat(averageRate);
  const vTiny = f32x4.splat(1e-30);
  const bytes = count << 2;
  for (let i: usize = 0; i < bytes; i += 16) {
    const g = v128.load(gradients + i);
    let m = f32x4.add(f32x4.mul(vBeta1, v128.load(firstMoments + i)), f32x4.mul(vBeta1Rest, g));
    let v = f32x4.add(f32x4.mul(vBeta2, v128.load(secondMoments + i)), f32x4.mul(vBeta2Rest, f32x4.mul(g, g)));
    // NaN compares as false and stays, so that a gradient that is no number shows in the weights.
    m = v128.andnot(m, f32x4.le(f32x4.abs(m), vTiny));
    v = v128.andnot(v, f32x4.le(v, vTiny));
    v128.store(firstMoments + i, m);
    v128.store(secondMoments + i, v);
    const step = f32x4.div(f32x4.mul(vRate, m), f32x4.add(f32x4.sqrt(v), vEpsilon));
    const w = f32x4.sub(f32x4.mul(vKeep, v128.load(weights + i)), step);
    v128.store(weights + i, w);
    const a = v128.load(averages + i);
    v128.store(averages + i, f32x4.add(a, f32x4.mul(vAverageRate, f32x4.sub(w, a))));
  }
}
