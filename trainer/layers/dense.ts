import { matmul } from "../autodiff/operators.ts";
import { printShape, ShapeError, sizeOf } from "../autodiff/tensor.ts";
import type { LayerKind, SpecOf } from "./layer.ts";

/** Every unit is a weighted sum of all numbers that came in. */
export const dense: LayerKind<SpecOf<"dense">> = {
  outputShape({ units }, input) {
    if (input.length !== 1) {
      throw new ShapeError(`layer "dense": expected [length], got ${printShape(input)}`);
    }
    return [units];
  },
  weights: ({ units }, input) => ({
    kernel: [sizeOf(input), units],
    unitAxis: 1,
    bias: [units],
    fanIn: sizeOf(input),
  }),
  apply(_, x, weights) {
    const { kernel, ...bias } = weights!;
    return matmul(x, kernel, bias);
  },
  keras: ({ units }) => ({ className: "Dense", config: { units, use_bias: true } }),
};
