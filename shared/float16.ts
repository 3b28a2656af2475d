/** IEEE 754's half precision, of which not every host's JavaScript has an array. */

/** The next number that a half can hold, in its bits; ties go to even, and beyond ±65504 to ±65504. */
export function toFloat16(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.min(Math.abs(value), 65504);
  // Halves below 2^-14 lie 2^-24 apart, those above it 2^-10 of their power of two.
  const exponent = Math.max(Math.floor(Math.log2(size)), -14);
  const step = 2 ** (exponent - 10);
  const steps = roundToEven(size / step);
  // A carry out of the 10 bits is one into the exponent.
  return sign | (((exponent + 14) << 10) + steps);
}

/** Writes what the halves stand for to `out`, which is as long. */
export function fromFloat16(halves: Uint16Array, out: Float32Array): void {
  const bits = new Int32Array(out.buffer, out.byteOffset, out.length);
  for (let i = 0; i < bits.length; i++) {
    const half = halves[i]!;
    bits[i] = ((half & 0x8000) << 16) | ((half & 0x7fff) << 13);
  }
  // The bits are where float32 has them; the factor makes up for the exponents' biases, below 2^-14 as well.
  for (let i = 0; i < out.length; i++) out[i] = out[i]! * 2 ** 112;
}

function roundToEven(value: number): number {
  const down = Math.floor(value);
  const rest = value - down;
  return rest > 0.5 || (rest === 0.5 && down % 2 === 1) ? down + 1 : down;
}
