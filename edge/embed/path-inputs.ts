/** The way from one sample to another through latent space. */

import { type InputSpec, inputSizeOf, sampleInputs } from "../../shared/generator-inputs.ts";

/** Sample 0 of a seed, of a class where one is named. */
export interface Point<Label = string> {
  readonly seed: number;
  readonly label?: Label | undefined;
}

/**
 * Generator inputs on a straight line, made as long as the ends are: between two normal latents a plain line runs
 * through lengths that normal latents never have. No function but the square root, so the same bits everywhere.
 *
 * @param steps 2 or more, both ends among them
 * @returns [steps, inputSize]
 */
export function pathInputs(
  spec: InputSpec,
  from: Point<number>,
  to: Point<number>,
  steps: number,
  temperature: number,
): Float32Array<ArrayBuffer> {
  const size = inputSizeOf(spec);
  const [a, b] = [from, to].map((end) => sampleInputs(spec, { ...end, first: 0, count: 1, temperature }));
  const inputs = new Float32Array(steps * size);
  for (let step = 0; step < steps; step++) {
    const t = step / (steps - 1);
    const row = a!.map((value, i) => (1 - t) * value + t * b![i]!);
    const latent = row.subarray(0, spec.latentSize);
    const length = (1 - t) * lengthOf(a!, spec) + t * lengthOf(b!, spec);
    const scale = lengthOf(row, spec) > 0 && step > 0 && step < steps - 1 ? length / lengthOf(row, spec) : 1;
    for (let i = 0; i < latent.length; i++) latent[i]! *= scale;
    inputs.set(row, step * size);
  }
  return inputs;
}

/** Of the latent alone: what follows it is the class. */
function lengthOf(input: Float32Array, { latentSize }: InputSpec): number {
  let sum = 0;
  for (let i = 0; i < latentSize; i++) sum += input[i]! * input[i]!;
  return Math.sqrt(sum);
}
