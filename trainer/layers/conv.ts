import { conv2d } from "../autodiff/operators.ts";
import { ACTIVATIONS } from "./activation.ts";
import { asImageShape, channelsFirst } from "./image.ts";
import type { LayerKind, SpecOf } from "./layer.ts";

/** A convolution that keeps the image's size. */
export const conv: LayerKind<SpecOf<"conv">> = {
  outputShape({ filters }, input) {
    const [height, width] = asImageShape("conv", input);
    return [height, width, filters];
  },
  weights({ filters, kernelSize }, input) {
    const [, , channels] = asImageShape("conv", input);
    return {
      kernel: [kernelSize, kernelSize, channels, filters],
      bias: [filters],
      fanIn: kernelSize ** 2 * channels,
    };
  },
  apply({ activation, kernelSize }, x, weights) {
    const { kernel, bias } = weights!;
    return ACTIVATIONS[activation](conv2d(x, channelsFirst(kernel), { bias, padding: (kernelSize - 1) / 2 }));
  },
  keras: ({ filters, kernelSize }) => ({
    className: "Conv2D",
    config: {
      filters,
      kernel_size: [kernelSize, kernelSize],
      strides: [1, 1],
      padding: "same",
      data_format: "channels_last",
      use_bias: true,
    },
  }),
};
