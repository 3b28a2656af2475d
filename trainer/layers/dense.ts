import { dense as product } from "../autodiff/operators.ts";
import { printShape, ShapeError, sizeOf } from "../autodiff/tensor.ts";
import { ACTIVATIONS } from "./activation.ts";
import type { LayerKind, SpecOf } from "./layer.ts";

/** Every unit is a weighted sum of all numbers that came in. */
export const dense: LayerKind<SpecOf<"dense">> = {
  outputShape({ units }, input) {
    if (input.length !== 1) {
      throw new ShapeError(`layer "dense": expected [length], got ${printShape(input)}`);
    }
    return [units];
  },
  weights: ({ units }, input) => ({ kernel: [sizeOf(input), units], bias: [units], fanIn: sizeOf(input) }),
  apply: ({ activation }, x, weights) => ACTIVATIONS[activation](product(x, weights!.kernel, weights!.bias)),
  keras: ({ units }) => ({ className: "Dense", config: { units, use_bias: true } }),
};
