/**
 * Operators on images [n, channels, height, width], in ONNX's layout ("NCHW"). `conv2d` and `convTranspose2d`
 * are each other's gradient, and so are `upsample2d` and `averagePool2d`.
 */

import { printShape, type Shape, ShapeError, sameShape, type Tensor } from "./tensor.ts";

export interface ConvolutionOptions {
  /** Per channel of the result. */
  readonly bias?: Tensor;
  readonly stride?: number;
  /** Zeros on every side of the larger image: `conv2d`'s input, `convTranspose2d`'s output. */
  readonly padding?: number;
  readonly dilation?: number;
}

/**
 * Cross-correlation, what the field calls convolution: [n, c, h, w] with a kernel [channels, c, kh, kw] →
 * [n, channels, …].
 */
export function conv2d(x: Tensor, kernel: Tensor, options: ConvolutionOptions = {}): Tensor {
  const { bias, stride = 1, padding = 0, dilation = 1 } = options;
  const [batch, channels, ...sides] = imageShape("conv2d", x);
  const [filters, kernelChannels, ...kernelSides] = imageShape("conv2d", kernel);
  const lengths = sides.map((side, axis) =>
    Math.floor((side + 2 * padding - dilation * (kernelSides[axis]! - 1) - 1) / stride + 1),
  );
  if (kernelChannels !== channels || lengths.some((length) => length < 1)) {
    throw mismatch("conv2d", x, kernel);
  }
  return {
    op: "conv2d",
    inputs: withBias("conv2d", [x, kernel], bias, filters),
    shape: [batch, filters, ...lengths],
    attributes: { stride, padding, dilation },
    dtype: "float32",
  };
}

/**
 * The transpose of `conv2d` as a linear map: [n, c, h, w] with a kernel [c, channels, kh, kw] → [n, channels, …].
 *
 * @param options.outputPadding rows and columns more at the bottom and right: `conv2d` with a stride gives the
 *   same shape for several inputs, and this says which of them is meant
 */
export function convTranspose2d(
  x: Tensor,
  kernel: Tensor,
  options: ConvolutionOptions & { readonly outputPadding?: readonly [number, number] } = {},
): Tensor {
  const { bias, stride = 1, padding = 0, dilation = 1, outputPadding = [0, 0] } = options;
  const [batch, channels, ...sides] = imageShape("convTranspose2d", x);
  const [kernelChannels, filters, ...kernelSides] = imageShape("convTranspose2d", kernel);
  const lengths = sides.map(
    (side, axis) =>
      (side - 1) * stride + dilation * (kernelSides[axis]! - 1) + 1 - 2 * padding + outputPadding[axis]!,
  );
  if (kernelChannels !== channels || lengths.some((length) => length < 1)) {
    throw mismatch("convTranspose2d", x, kernel);
  }
  return {
    op: "convTranspose2d",
    inputs: withBias("convTranspose2d", [x, kernel], bias, filters),
    shape: [batch, filters, ...lengths],
    attributes: { stride, padding, dilation, outputPadding },
    dtype: "float32",
  };
}

/** Every pixel becomes a square of `factor` by `factor` equal ones. */
export function upsample2d(x: Tensor, factor = 2): Tensor {
  const [batch, channels, height, width] = imageShape("upsample2d", x);
  return {
    op: "upsample2d",
    inputs: [x],
    shape: [batch, channels, height * factor, width * factor],
    attributes: { factor },
    dtype: "float32",
  };
}

/** The mean of every square of `factor` by `factor` pixels, which don't overlap. */
export function averagePool2d(x: Tensor, factor = 2): Tensor {
  const [batch, channels, height, width] = imageShape("averagePool2d", x);
  if (height % factor !== 0 || width % factor !== 0) {
    throw new ShapeError(`averagePool2d: ${printShape(x.shape)} isn't made of ${factor}×${factor} squares`);
  }
  return {
    op: "averagePool2d",
    inputs: [x],
    shape: [batch, channels, height / factor, width / factor],
    attributes: { factor },
    dtype: "float32",
  };
}

function imageShape(op: string, { shape }: Tensor): readonly [number, number, number, number] {
  if (shape.length !== 4) {
    throw new ShapeError(`${op}: expected [n, channels, height, width], got shape ${printShape(shape)}`);
  }
  return shape as Shape as readonly [number, number, number, number];
}

function withBias(op: string, operands: Tensor[], bias: Tensor | undefined, channels: number): Tensor[] {
  if (!bias) return operands;
  if (!sameShape(bias.shape, [channels])) {
    throw new ShapeError(`${op}: bias ${printShape(bias.shape)} on ${channels} channels`);
  }
  return [...operands, bias];
}

function mismatch(op: string, x: Tensor, kernel: Tensor): ShapeError {
  return new ShapeError(`${op}: kernel ${printShape(kernel.shape)} on shape ${printShape(x.shape)}`);
}
