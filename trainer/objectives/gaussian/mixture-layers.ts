/**
 * A Gaussian mixture as plain layers, so that it is exported and served as any generator is. The latent's first number
 * says by its quantile which component it is, the others where in it.
 *
 * 1. tanh: steps at the quantiles of the weights, steep enough to be ±1; and the other numbers, made so small that tanh
 *    leaves them as they are.
 * 2. relu: every component's point, raised above 0; a component that isn't the one is pushed below.
 * 3. linear: their sum, lowered again.
 */

import type { LayerSpec } from "../../../shared/manifest.ts";
import { normalQuantile } from "../../../shared/normal-quantile.ts";
import type { FrozenGenerator } from "../../generators/frozen.ts";
import type { Mixture } from "./mixture.ts";

/** A step takes about 1e-5 of the latents between its sides. */
const STEEPNESS = 1e5;
/** tanh(x/64)·64 is x up to 3e-4 of it at 2, and loses nothing to rounding that shows. */
const SMALL = 1 / 64;
/** Normal numbers of float32 uniforms stay within. */
const FARTHEST = 9;

export function mixtureModel({ weights, means, factors }: Mixture): FrozenGenerator {
  const components = weights.length;
  const length = means.length / components;
  const latentSize = 1 + length;
  const steps = components - 1;
  const layers: LayerSpec[] = [
    { kind: "dense", units: steps + length, activation: "tanh" },
    { kind: "dense", units: components * length, activation: "relu" },
    { kind: "dense", units: length, activation: "linear" },
  ];

  const first = matrix(latentSize, steps + length);
  let below = 0;
  for (let step = 0; step < steps; step++) {
    below += weights[step]!;
    first.kernel(0, step, STEEPNESS);
    first.bias(step, -STEEPNESS * normalQuantile(Math.min(below, 1 - Number.EPSILON)));
  }
  for (let i = 0; i < length; i++) first.kernel(1 + i, steps + i, SMALL);

  const second = matrix(steps + length, components * length);
  const third = matrix(components * length, length);
  const mean = (k: number, i: number) => means[k * length + i]!;
  const factor = (k: number, i: number, j: number) => factors[(k * length + i) * length + j]!;
  for (let i = 0; i < length; i++) {
    const reach = (k: number) =>
      Math.abs(mean(k, i)) + FARTHEST * Math.hypot(...Array.from({ length }, (_, j) => factor(k, i, j)));
    const raise = Math.max(...Array.from({ length: components }, (_, k) => reach(k)));
    for (let k = 0; k < components; k++) {
      const unit = k * length + i;
      for (let j = 0; j < length; j++) second.kernel(steps + j, unit, factor(k, i, j) / SMALL);
      // 0 for the component of which the step before is up and its own is not; else −2·raise.
      if (k > 0) second.kernel(k - 1, unit, raise);
      if (k < steps) second.kernel(k, unit, -raise);
      const ends = (k > 0 ? 1 : 0) + (k < steps ? 1 : 0);
      second.bias(unit, mean(k, i) + raise - raise * ends);
      third.kernel(unit, i, 1);
    }
    third.bias(i, -raise);
  }
  return {
    latentSize,
    layers,
    weights: Object.assign({}, ...[first, second, third].map(({ values }, at) => values(`dense${at}`))),
  };
}

/** The weights of a dense layer, zeros that are set one by one. */
function matrix(inputs: number, units: number) {
  const kernel = new Float32Array(inputs * units);
  const bias = new Float32Array(units);
  return {
    kernel(from: number, unit: number, value: number) {
      kernel[from * units + unit] = value;
    },
    bias(unit: number, value: number) {
      bias[unit] = value;
    },
    values: (name: string) => ({ [`${name}/kernel`]: kernel, [`${name}/bias`]: bias }),
  };
}
