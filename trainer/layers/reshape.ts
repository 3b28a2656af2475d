import { printShape, ShapeError, sizeOf } from "../autodiff/tensor.ts";
import { imagesFromRows } from "./image.ts";
import type { LayerKind, SpecOf } from "./layer.ts";

/** A row of numbers as an image. */
export const reshape: LayerKind<SpecOf<"reshape">> = {
  outputShape({ shape }, input) {
    if (input.length !== 1 || sizeOf(shape) !== sizeOf(input)) {
      throw new ShapeError(`layer "reshape": ${printShape(input)} doesn't become ${printShape(shape)}`);
    }
    return shape;
  },
  weights: () => null,
  apply: ({ shape }, x) => imagesFromRows(x, shape),
  keras: ({ shape }) => ({ className: "Reshape", config: { target_shape: shape } }),
};
