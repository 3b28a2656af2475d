/** The classifier's layers: convolutions that halve the image until it is small, then the features, then the classes. */

import type { Random } from "../../shared/random.ts";
import { conv2d, dense, relu, reshape } from "../autodiff/operators.ts";
import { parameter, type Shape, sizeOf, type Tensor } from "../autodiff/tensor.ts";
import type { InitialParameter } from "../engine/engine.ts";
import { type ImageShape, imagesFromRows } from "../layers/image.ts";

/** Numbers that the last hidden layer gives. */
export const FEATURE_SIZE = 128;
/** Of every convolution in turn, as many as the image's size takes. */
const FILTERS = [16, 32, 64];
const KERNEL = 5;
const STRIDE = 2;
/** An image of this side or less is not halved again. */
const SMALL = 7;

export interface NetworkShape {
  readonly imageShape: ImageShape;
  readonly classCount: number;
}

interface Layer {
  readonly kernel: Tensor;
  readonly bias: Tensor;
  /** Numbers that each one of its output is a sum over. */
  readonly fanIn: number;
}

/**
 * @param images [n, height·width·channels], pixels 0 … 1
 * @returns features [n, FEATURE_SIZE], never negative, and logits [n, classCount]
 */
export function applyNetwork(network: NetworkShape, images: Tensor): { features: Tensor; logits: Tensor } {
  const { convolutions, hidden, output } = layersOf(network);
  const pictures = imagesFromRows(images, network.imageShape);
  const last = convolutions.reduce(
    (x, { kernel, bias }) => relu(conv2d(x, kernel, { bias, stride: STRIDE, padding: (KERNEL - 1) / 2 })),
    pictures,
  );
  const flat = reshape(last, [images.shape[0]!, hidden.fanIn]);
  const features = relu(dense(flat, hidden.kernel, hidden.bias));
  return { features, logits: dense(features, output.kernel, output.bias) };
}

/** Names and shapes of the weights. */
export function weightSpecs(network: NetworkShape): { readonly name: string; readonly shape: Shape }[] {
  const { convolutions, hidden, output } = layersOf(network);
  return [...convolutions, hidden, output].flatMap(({ kernel, bias }) =>
    [kernel, bias].map((leaf) => ({ name: nameOf(leaf), shape: leaf.shape })),
  );
}

/** Random first weights, by He et al. 2015. */
export function initialWeights(network: NetworkShape, random: Random): InitialParameter[] {
  const { convolutions, hidden, output } = layersOf(network);
  return [...convolutions, hidden, output].flatMap(({ kernel, bias, fanIn }) => {
    const stream = random.fork(nameOf(kernel));
    const deviation = Math.sqrt(2 / fanIn);
    const values = stream
      .fillNormal(new Float32Array(sizeOf(kernel.shape)))
      .map((value) => value * deviation);
    return [
      { name: nameOf(kernel), shape: kernel.shape, values },
      { name: nameOf(bias), shape: bias.shape, values: new Float32Array(sizeOf(bias.shape)) },
    ];
  });
}

function layersOf({ imageShape: [height, width, channels], classCount }: NetworkShape) {
  const convolutions: Layer[] = [];
  let sides = [height, width];
  let depth = channels;
  for (const [i, filters] of FILTERS.entries()) {
    if (i > 0 && Math.max(...sides) <= SMALL) break;
    convolutions.push(layer(`conv${i}`, [filters, depth, KERNEL, KERNEL], filters, depth * KERNEL ** 2));
    sides = sides.map((side) => Math.ceil(side / STRIDE));
    depth = filters;
  }
  const flat = depth * sizeOf(sides);
  return {
    convolutions,
    hidden: layer("hidden", [flat, FEATURE_SIZE], FEATURE_SIZE, flat),
    output: layer("output", [FEATURE_SIZE, classCount], classCount, FEATURE_SIZE),
  };
}

function layer(name: string, kernel: Shape, units: number, fanIn: number): Layer {
  return { kernel: parameter(`${name}/kernel`, kernel), bias: parameter(`${name}/bias`, [units]), fanIn };
}

function nameOf(leaf: Tensor): string {
  return leaf.attributes["name"] as string;
}
