import type { Round } from "./pairing.ts";

/**
 * Every example picks its nearest sample.
 *
 * @param rows the examples
 * @param candidates the latents of the samples that they may pick: [m, latentSize], m ≥ 1
 * @returns the latent that each of them picked: [rows.length, latentSize]
 */
export async function examplesPick(
  { gather, nearest, samplesOf, latentSize }: Round,
  rows: ArrayLike<number>,
  candidates: Float32Array<ArrayBuffer>,
): Promise<Float32Array<ArrayBuffer>> {
  if (rows.length === 0) return new Float32Array(0);
  const { indices } = await nearest(await gather(rows), samplesOf(candidates));
  return latentsAt(candidates, indices, latentSize);
}

/** Rows of `latents` [n, latentSize], copied in the order of `indices`. */
export function latentsAt(
  latents: Float32Array,
  indices: ArrayLike<number>,
  latentSize: number,
): Float32Array<ArrayBuffer> {
  const chosen = new Float32Array(indices.length * latentSize);
  for (let i = 0; i < indices.length; i++) {
    const from = indices[i]! * latentSize;
    chosen.set(latents.subarray(from, from + latentSize), i * latentSize);
  }
  return chosen;
}

export function concatenated(first: Float32Array, second: Float32Array): Float32Array<ArrayBuffer> {
  const both = new Float32Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}
