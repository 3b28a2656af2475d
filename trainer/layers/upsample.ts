import { upsample2d } from "../autodiff/operators.ts";
import { asImageShape } from "./image.ts";
import type { LayerKind, SpecOf } from "./layer.ts";

/** Every pixel becomes a square of equal ones. */
export const upsample: LayerKind<SpecOf<"upsample">> = {
  outputShape({ factor }, input) {
    const [height, width, channels] = asImageShape("upsample", input);
    return [height * factor, width * factor, channels];
  },
  weights: () => null,
  apply: ({ factor }, x) => upsample2d(x, factor),
  keras: ({ factor }) => ({
    className: "UpSampling2D",
    config: { size: [factor, factor], data_format: "channels_last", interpolation: "nearest" },
  }),
};
