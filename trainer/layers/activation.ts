/** What is applied to every number that a layer gives. */

import type { ActivationName } from "../../shared/manifest.ts";
import { leakyRelu, relu, sigmoid, tanh } from "../autodiff/operators.ts";
import type { Tensor } from "../autodiff/tensor.ts";

/** The slope that `leaky-relu` means in a manifest. */
export const LEAKY_SLOPE = 0.2;

export const ACTIVATIONS: Readonly<Record<ActivationName, (x: Tensor) => Tensor>> = {
  linear: (x) => x,
  relu,
  "leaky-relu": (x) => leakyRelu(x, LEAKY_SLOPE),
  sigmoid,
  tanh,
};
