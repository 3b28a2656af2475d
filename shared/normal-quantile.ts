/**
 * The standard normal quantile function, Φ⁻¹, the same to the last bit on every JavaScript host.
 *
 * `Math.log` may differ in its last bit between engines; +, −, ×, ÷ and sqrt may not (IEEE 754 demands
 * the correctly rounded result). So this uses only those, with a logarithm of its own for the tails.
 *
 * Source: Wichura 1988, Algorithm AS 241 (PPND16), relative accuracy about 1e-16.
 *
 * @param p in the open interval (0, 1)
 */
export function normalQuantile(p: number): number {
  const q = p - 0.5;
  if (q >= -0.425 && q <= 0.425) {
    const r = 0.180625 - q * q;
    return (q * polynomial(CENTRE_NUMERATOR, r)) / polynomial(CENTRE_DENOMINATOR, r);
  }
  let r = Math.sqrt(-naturalLog(q < 0 ? p : 1 - p));
  let magnitude: number;
  if (r <= 5) {
    r -= 1.6;
    magnitude = polynomial(MIDDLE_NUMERATOR, r) / polynomial(MIDDLE_DENOMINATOR, r);
  } else {
    r -= 5;
    magnitude = polynomial(TAIL_NUMERATOR, r) / polynomial(TAIL_DENOMINATOR, r);
  }
  return q < 0 ? -magnitude : magnitude;
}

const CENTRE_NUMERATOR = [
  2.5090809287301226727e3, 3.3430575583588128105e4, 6.7265770927008700853e4, 4.5921953931549871457e4,
  1.3731693765509461125e4, 1.9715909503065514427e3, 1.3314166789178437745e2, 3.387132872796366608,
];
const CENTRE_DENOMINATOR = [
  5.226495278852545925e3, 2.8729085735721942674e4, 3.930789580009271061e4, 2.1213794301586595867e4,
  5.3941960214247511077e3, 6.871870074920579083e2, 4.2313330701600911252e1, 1,
];
const MIDDLE_NUMERATOR = [
  7.7454501427834140764e-4, 2.27238449892691845833e-2, 2.4178072517745061177e-1, 1.27045825245236838258,
  3.64784832476320460504, 5.7694972214606914055, 4.6303378461565452959, 1.42343711074968357734,
];
const MIDDLE_DENOMINATOR = [
  1.05075007164441684324e-9, 5.4759380849953444611e-4, 1.51986665636164571966e-2, 1.4810397642748007459e-1,
  6.8976733498510000455e-1, 1.6763848301838038494, 2.05319162663775882187, 1,
];
const TAIL_NUMERATOR = [
  2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.2426609473880784386e-3, 2.6532189526576123093e-2,
  2.9656057182850489123e-1, 1.7848265399172913358, 5.4637849111641143699, 6.6579046435011037772,
];
const TAIL_DENOMINATOR = [
  2.04426310338993978564e-15, 1.4215117583164458887e-7, 1.8463183175100546818e-5, 7.868691311456132591e-4,
  1.48753612908506148525e-2, 1.3692988092273580531e-1, 5.9983220655588793769e-1, 1,
];

function polynomial(coefficients: readonly number[], x: number): number {
  let sum = 0;
  for (let i = 0; i < coefficients.length; i++) sum = sum * x + coefficients[i]!;
  return sum;
}

const LN_2 = 0.6931471805599453;
const SQRT_HALF = 0.7071067811865476;

/** ln(x) for x in (0, 1): x = m·2^e with m in [√½, √2), and ln m = 2·artanh((m − 1)/(m + 1)) as a series. */
function naturalLog(x: number): number {
  let mantissa = x;
  let exponent = 0;
  // Scaling by a power of two is exact.
  while (mantissa < SQRT_HALF / 65536) {
    mantissa *= 65536;
    exponent -= 16;
  }
  while (mantissa < SQRT_HALF) {
    mantissa *= 2;
    exponent -= 1;
  }
  const s = (mantissa - 1) / (mantissa + 1);
  const s2 = s * s;
  // |s| ≤ 0.172, so the terms after s^23 are below 1e-18.
  let series = 0;
  for (let odd = 21; odd >= 1; odd -= 2) series = series * s2 + 1 / odd;
  return exponent * LN_2 + 2 * s * series;
}
