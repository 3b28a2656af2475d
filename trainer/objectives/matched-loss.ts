import { mean, multiply } from "../autodiff/operators.ts";
import { input, type Tensor } from "../autodiff/tensor.ts";
import type { Distance } from "../distances/distance.ts";
import type { Generator } from "../generators/generator.ts";

/**
 * How far the samples of `latents` [rows, latentSize] are from `targets` [rows, outputSize], row by row: the mean
 * distance per number of a sample, so that a learning rate means the same for every output size.
 */
export function matchedLoss(generator: Generator, distance: Distance, rows: number): Tensor {
  const { latentSize, outputSize } = generator;
  const samples = generator.apply(input("latents", [rows, latentSize]));
  const distances = distance.paired(samples, input("targets", [rows, outputSize]));
  return multiply(mean(distances), 1 / outputSize);
}
