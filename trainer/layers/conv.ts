import { conv2d, convTranspose2d } from "../autodiff/operators.ts";
import type { Tensor } from "../autodiff/tensor.ts";
import { ACTIVATIONS } from "./activation.ts";
import { asImageShape, channelsFirst } from "./image.ts";
import type { LayerKind, SpecOf } from "./layer.ts";
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
      bias: [filters],
      fanIn: kernelSize ** 2 * channels,
    };
  },
  apply({ activation }, x, weights) {
    const { kernel, bias } = weights!;
    return ACTIVATIONS[activation](
      x.op === "upsample2d" ? afterUpsampling(x, kernel, bias) : same(x, kernel, bias),
    );
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

function same(x: Tensor, kernel: Tensor, bias: Tensor): Tensor {
  return conv2d(x, channelsFirst(kernel), { bias, padding: (kernel.shape[0]! - 1) / 2 });
}

/** The same from the small image: for factor 2 and a 3×3 kernel with 4/9 of the arithmetic. */
function afterUpsampling(upsampled: Tensor, kernel: Tensor, bias: Tensor): Tensor {
  const stride = upsampled.attributes["factor"] as number;
  return convTranspose2d(upsampled.inputs[0]!, spreadKernel(kernel, stride), {
    bias,
    stride,
    padding: (kernel.shape[0]! - 1) / 2,
  });
}
