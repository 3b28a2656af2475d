/** The altered copies that the memorisation check is to find: what a generator that memorised may give. */

import type { Random } from "../shared/random.ts";
import type { Rows } from "../trainer/data/dataset.ts";

/** [height, width, channels] */
export type ImageShape = readonly number[];

/**
 * A changed copy.
 *
 * @param image uint8 [height, width, channels]
 * @param other another training image, of the same shape
 */
export type Alteration = (
  image: Uint8Array,
  other: Uint8Array,
  shape: ImageShape,
  random: Random,
) => Uint8Array<ArrayBuffer>;

const NOISE_SIGMA = 0.1 * 255;

/** By the name of their benchmark row. */
export const ALTERATIONS: Readonly<Record<string, Alteration>> = {
  copy: (image) => image.slice() as Uint8Array<ArrayBuffer>,

  /** Normal, σ = 0.1. */
  noise: (image, _other, _shape, random) => {
    const normals = random.fillNormal(new Float32Array(image.length));
    return bytesOf(image, (value, i) => value + NOISE_SIGMA * normals[i]!);
  },

  dimmed: (image) => bytesOf(image, (value) => 0.8 * value),

  /** With a fifth of another training image. */
  blended: (image, other) => bytesOf(image, (value, i) => 0.8 * value + 0.2 * other[i]!),

  /** To 8 levels. */
  quantised: (image) => bytesOf(image, (value) => (Math.round((value * 7) / 255) * 255) / 7),

  /** The mean of 3×3 pixels. */
  blurred: (image, _other, [height = 0, width = 0, channels = 0]) =>
    bytesOf(image, (_value, i) => {
      const x = Math.floor(i / channels) % width;
      const y = Math.floor(i / channels / width);
      let sum = 0;
      for (let up = -1; up <= 1; up++) {
        for (let left = -1; left <= 1; left++) {
          const isInside = x + left >= 0 && x + left < width && y + up >= 0 && y + up < height;
          if (isInside) sum += image[i + (up * width + left) * channels]!;
        }
      }
      return sum / 9;
    }),

  /** By one pixel, to the right. */
  shifted: (image, _other, [, width = 0, channels = 0]) =>
    bytesOf(image, (_value, i) => (Math.floor(i / channels) % width === 0 ? 0 : image[i - channels]!)),
};

function bytesOf(
  image: Uint8Array,
  change: (value: number, index: number) => number,
): Uint8Array<ArrayBuffer> {
  // A Uint8ClampedArray rounds and clamps.
  return new Uint8Array(Uint8ClampedArray.from(image, change).buffer);
}

/**
 * Altered copies of training images drawn at random, each of another one.
 *
 * @param name  of an alteration
 * @param train uint8 images of `shape`, at least as many as `count`
 */
export function alteredCopies(
  name: string,
  { values, count: trainCount, length }: Rows,
  shape: ImageShape,
  count: number,
  random: Random,
): Rows {
  const order = random.fork("originals").permutation(trainCount);
  const imageAt = (i: number) => values.subarray(order[i]! * length, (order[i]! + 1) * length) as Uint8Array;
  const altered = new Uint8Array(count * length);
  for (let i = 0; i < count; i++) {
    const drawn = random.fork(name, i);
    altered.set(ALTERATIONS[name]!(imageAt(i), imageAt(trainCount - 1 - i), shape, drawn), i * length);
  }
  return { count, length, values: altered, labels: null };
}
