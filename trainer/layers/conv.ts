import { conv2d, convTranspose2d } from "../autodiff/operators.ts";
import type { Tensor } from "../autodiff/tensor.ts";
import { asImageShape, channelsFirst } from "./image.ts";
import type { AppliedWeights, LayerKind, SpecOf } from "./layer.ts";
import { spreadKernel } from "./spread-kernel.ts";

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
      unitAxis: 3,
      bias: [filters],
      fanIn: kernelSize ** 2 * channels,
    };
  },
  apply(_, x, weights) {
    return x.op === "upsample2d" ? afterUpsampling(x, weights!) : sameSize(x, weights!);
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

function sameSize(x: Tensor, { kernel, ...bias }: AppliedWeights): Tensor {
  return conv2d(x, channelsFirst(kernel), { ...bias, padding: (kernel.shape[0]! - 1) / 2 });
}

/** The same, from the image before it was upsampled: for factor 2 and a 3×3 kernel 4/9 of the arithmetic. */
function afterUpsampling(upsampled: Tensor, { kernel, ...bias }: AppliedWeights): Tensor {
  const stride = upsampled.attributes["factor"] as number;
  const padding = (kernel.shape[0]! - 1) / 2;
  return convTranspose2d(upsampled.inputs[0]!, spreadKernel(kernel, stride), { ...bias, stride, padding });
}
