/**
 * The standard normal quantile function, Φ⁻¹, the same to the last bit on every JavaScript host.
 *
 * `Math.log` may differ in its last bit between engines; +, −, ×, ÷ and sqrt may not (IEEE 754 demands
 * the correctly rounded result). So this uses only those, with a logarithm of its own for the tails.
 *
 * Source: Wichura 1988, Algorithm AS 241 (PPND16), relative accuracy about 1e-16; coefficients
 * are printed here as the doubles that the paper’s decimals round to.
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
  2509.0809287301227, 33430.57558358813, 67265.7709270087, 45921.95393154987, 13731.69376550946,
  1971.5909503065513, 133.14166789178438, 3.3871328727963665,
];
const CENTRE_DENOMINATOR = [
  5226.495278852546, 28729.085735721943, 39307.89580009271, 21213.794301586597, 5394.196021424751,
  687.1870074920579, 42.31333070160091, 1,
];
const MIDDLE_NUMERATOR = [
  0.0007745450142783414, 0.022723844989269184, 0.2417807251774506, 1.2704582524523684, 3.6478483247632045,
  5.769497221460691, 4.630337846156546, 1.4234371107496835,
];
const MIDDLE_DENOMINATOR = [
  1.0507500716444169e-9, 0.0005475938084995344, 0.015198666563616457, 0.14810397642748008, 0.6897673349851,
  1.6763848301838038, 2.053191626637759, 1,
];
const TAIL_NUMERATOR = [
  2.0103343992922881e-7, 0.000027115555687434876, 0.0012426609473880784, 0.026532189526576124,
  0.29656057182850487, 1.7848265399172913, 5.463784911164114, 6.657904643501103,
];
const TAIL_DENOMINATOR = [
  2.0442631033899397e-15, 1.421511758316446e-7, 0.000018463183175100548, 0.0007868691311456133,
  0.014875361290850615, 0.1369298809227358, 0.599832206555888, 1,
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
