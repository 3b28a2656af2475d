/** What a generator is fed: normal latents, and after them, where it takes a class, a 1 in the class's place. */

import { createRandom, sampleLatents } from "./random.ts";

export interface InputSpec {
  /** Numbers in a latent. */
  readonly latentSize: number;
  /** Training examples of every class, where the generator takes one: how often each is drawn. */
  readonly labelCounts: readonly number[] | null;
}

/** Numbers that the generator takes. */
export function inputSizeOf({ latentSize, labelCounts }: InputSpec): number {
  return latentSize + (labelCounts?.length ?? 0);
}

export interface InputRequest {
  readonly seed: number;
  /** Index of the first sample. */
  readonly first: number;
  readonly count: number;
  /** A class index for all of them; as in the training data, if left out. */
  readonly label?: number | undefined;
  /** Scales the latents; 1 if left out. */
  readonly temperature?: number | undefined;
}

/** The inputs of samples first … first + count − 1 under a seed, each independent of the others: [count, inputSize]. */
export function sampleInputs(spec: InputSpec, request: InputRequest): Float32Array<ArrayBuffer> {
  const { latentSize, labelCounts } = spec;
  const { seed, first, count, temperature = 1 } = request;
  const latents = sampleLatents(seed, first, count, latentSize);
  if (temperature !== 1) for (let i = 0; i < latents.length; i++) latents[i]! *= temperature;
  if (!labelCounts) return latents;
  const labels = Array.from(
    { length: count },
    (_, i) => request.label ?? sampleLabel(labelCounts, seed, first + i),
  );
  return withLabels(latents, labels, spec);
}

/** The class of sample `index` under a seed, where none is asked for. */
export function sampleLabel(labelCounts: readonly number[], seed: number, index: number): number {
  const total = labelCounts.reduce((sum, count) => sum + count, 0);
  let left = createRandom(seed).fork("label", index).below(total);
  return labelCounts.findIndex((count) => (left -= count) < 0);
}

/** Latents [count, latentSize] with their classes after them: [count, inputSize]. */
export function withLabels(
  latents: Float32Array,
  labels: readonly number[],
  spec: InputSpec,
): Float32Array<ArrayBuffer> {
  const size = inputSizeOf(spec);
  const inputs = new Float32Array(labels.length * size);
  for (const [row, label] of labels.entries()) {
    inputs.set(latents.subarray(row * spec.latentSize, (row + 1) * spec.latentSize), row * size);
    inputs[row * size + spec.latentSize + label] = 1;
  }
  return inputs;
}
