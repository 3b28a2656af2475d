import { sampleInputs } from "../shared/generator-inputs.ts";
import { inputSpecOf, type Manifest } from "../shared/manifest.ts";
import { pixelsToBytes } from "../shared/pixels.ts";
import type { Example } from "../shared/statistic.ts";
import type { Generator } from "./generator.ts";

export interface SampleRequest {
  readonly seed: number;
  /** Index of the first sample. */
  readonly first: number;
  readonly count: number;
  /** Scales the latents, 0 to 2. */
  readonly temperature: number;
  /** A class index, for class-conditional models; as often as in the training data, if left out. */
  readonly label?: number | undefined;
}

/**
 * Samples first … first + count − 1 of a seed. Sample i depends on the model, the seed, i, the temperature and the
 * label alone.
 *
 * @returns [count, …output shape] float32, images clamped to [0, 1]
 */
export function drawSamples(manifest: Manifest, generator: Generator, request: SampleRequest): Float32Array {
  const values = generator.generate(sampleInputs(inputSpecOf(manifest), request), request.count);
  if (manifest.output.kind === "image") {
    for (let i = 0; i < values.length; i++) values[i] = Math.min(Math.max(values[i]!, 0), 1);
  }
  return values;
}

/** Samples as the training examples are stored, so that both can be compared. */
export function asExamples(manifest: Manifest, values: Float32Array): Example {
  return manifest.output.kind === "image" ? pixelsToBytes(values) : new Float32Array(values);
}
