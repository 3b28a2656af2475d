/** Images have their channels last in data and exports, and first under way. */

import { reshape, transpose } from "../autodiff/operators.ts";
import { printShape, type Shape, ShapeError, sizeOf, type Tensor } from "../autodiff/tensor.ts";

/** [n, height·width·channels] → [n, channels, height, width]. */
export function imagesFromRows(rows: Tensor, [height, width, channels]: ImageShape): Tensor {
  const count = rows.shape[0]!;
  // With one channel it is first and last.
  if (channels === 1) return reshape(rows, [count, 1, height, width]);
  return transpose(reshape(rows, [count, height, width, channels]), [0, 3, 1, 2]);
}

/** [n, channels, height, width] → [n, height·width·channels]. */
export function rowsFromImages(images: Tensor): Tensor {
  const [count, channels, ...sides] = images.shape as readonly [number, number, number, number];
  const channelsLast = channels === 1 ? images : transpose(images, [0, 2, 3, 1]);
  return reshape(channelsLast, [count, sizeOf(sides) * channels]);
}

/** Keras's kernel [height, width, a, b] → [b, a, height, width]. */
export function channelsFirst(kernel: Tensor): Tensor {
  return transpose(kernel, [3, 2, 0, 1]);
}

export type ImageShape = readonly [height: number, width: number, channels: number];

/** @throws ShapeError if it isn't an image's */
export function asImageShape(layer: string, shape: Shape): ImageShape {
  if (shape.length !== 3) {
    throw new ShapeError(`layer "${layer}": expected [height, width, channels], got ${printShape(shape)}`);
  }
  return shape as Shape as ImageShape;
}
