/**
 * Pixels of [0, 1] as bytes, rounded to the nearest (halves up) and clamped; NaN becomes 0.
 *
 * @param values  float32 in [0, 1], any shape
 */
export function pixelsToBytes(values: Float32Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    bytes[i] = value > 0 ? Math.floor(Math.min(value, 1) * 255 + 0.5) : 0;
  }
  return bytes;
}
