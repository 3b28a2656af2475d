import { add, sqrt, square, sum } from "../autodiff/operators.ts";
import type { Tensor } from "../autodiff/tensor.ts";
import type { StepGradients } from "../engine/engine.ts";

/** The length of the gradient by all parameters together: what a step returns as an output. */
export function gradientNorm({ parameters }: StepGradients): Tensor {
  return sqrt([...parameters.values()].map((gradient) => sum(square(gradient))).reduce((a, b) => add(a, b)));
}
