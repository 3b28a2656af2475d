import type { Manifest } from "../shared/manifest.ts";
import { pixelsToBytes } from "../shared/pixels.ts";
import { sampleLatents } from "../shared/random.ts";
import type { Example } from "../shared/statistic.ts";
import type { Generator } from "./generator.ts";

export const MAX_SAMPLES = 64;
export const MAX_TEMPERATURE = 2;

export interface SampleRequest {
  readonly seed: number;
  /** Index of the first sample. */
  readonly first: number;
  readonly count: number;
  /** Scales the latents, 0 to 2. */
  readonly temperature: number;
}

/**
 * Samples first … first + count − 1 of a seed. Sample i depends on the model, the seed, i and the temperature
 * alone.
 *
 * @returns [count, …output shape] float32, images clamped to [0, 1]
 */
export function drawSamples(manifest: Manifest, generator: Generator, request: SampleRequest): Float32Array {
  const { seed, first, count, temperature } = request;
  const latents = sampleLatents(seed, first, count, manifest.latent.size);
  if (temperature !== 1) for (let i = 0; i < latents.length; i++) latents[i]! *= temperature;
  const values = generator.generate(latents, count);
  if (manifest.output.kind === "image") {
    for (let i = 0; i < values.length; i++) values[i] = Math.min(Math.max(values[i]!, 0), 1);
  }
  return values;
}

/** Samples as the training examples are stored, so that both can be compared. */
export function asExamples(manifest: Manifest, values: Float32Array): Example {
  return manifest.output.kind === "image" ? pixelsToBytes(values) : new Float32Array(values);
}
