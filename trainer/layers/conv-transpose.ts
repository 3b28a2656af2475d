import { convTranspose2d } from "../autodiff/operators.ts";
import { asImageShape, channelsFirst } from "./image.ts";
import type { LayerKind, SpecOf } from "./layer.ts";

/** A transposed convolution: the image grows by its stride. */
export const convTranspose: LayerKind<SpecOf<"conv-transpose">> = {
  outputShape({ filters, stride }, input) {
    const [height, width] = asImageShape("conv-transpose", input);
    return [height * stride, width * stride, filters];
  },
  weights({ filters, kernelSize, stride }, input) {
    const [, , channels] = asImageShape("conv-transpose", input);
    return {
      kernel: [kernelSize, kernelSize, filters, channels],
      unitAxis: 2,
      bias: [filters],
      // A pixel of the result gets every stride-th row and column of the kernel.
      fanIn: (kernelSize / stride) ** 2 * channels,
    };
  },
  apply({ kernelSize, stride }, x, weights) {
    const { kernel, ...bias } = weights!;
    const padding = (kernelSize - stride) / 2;
    return convTranspose2d(x, channelsFirst(kernel), { ...bias, stride, padding });
  },
  keras: ({ filters, kernelSize, stride }) => ({
    className: "Conv2DTranspose",
    config: {
      filters,
      kernel_size: [kernelSize, kernelSize],
      strides: [stride, stride],
      padding: "same",
      data_format: "channels_last",
      use_bias: true,
    },
  }),
};
