/** What is applied to every number that a layer gives. */

import { type ActivationName, LEAKY_SLOPE } from "../../shared/manifest.ts";
import { leakyRelu, relu, sigmoid, tanh } from "../autodiff/operators.ts";
import type { Tensor } from "../autodiff/tensor.ts";

export const ACTIVATIONS: Readonly<Record<ActivationName, (x: Tensor) => Tensor>> = {
  linear: (x) => x,
  relu,
  "leaky-relu": (x) => leakyRelu(x, LEAKY_SLOPE),
  sigmoid,
  tanh,
};
