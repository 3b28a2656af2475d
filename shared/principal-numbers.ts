/**
 * What the index of principal directions keeps of an image: 96 numbers, a byte each. The first is how bright it is,
 * along the direction in which all its pixels are equal; then come its places along 94 directions in which the training
 * images differ most, their own brightness left out. The second number is the length of what all these leave of it.
 *
 * Along an orthonormal basis W an image is Wx, and what is left has the length r(x) = √(‖x‖² − ‖Wx‖²). Then
 *
 *   ‖q − x‖² = ‖Wq − Wx‖² + r(q)² + r(x)² − 2·r(q)·r(x)·cos θ,
 *
 * θ being the angle between what is left of both (trainer/search/lower-bound.ts). For an image and its nearest, cos θ is
 * 0.1 (CIFAR-10) to 0.5 (glyphs) in the mean; taken to be ¼, the nearest of all is among the first ten of each.
 *
 * In the file, and in memory: scales, directions, the first 32 numbers of every row, the other 64 of every row.
 */

import { wholeVectors } from "./kernel-memory.ts";

/** As in kernels/principal.as.ts, which says what each function takes. */
export const NUMBERS = 96;
export const COARSE_NUMBERS = 32;
export const DIRECTIONS = 95;

/** The cosine between what is left of two images. */
export const ALIGNMENT = 0.25;

const VECTOR_BYTES = 16;

/** All parameters are offsets and numbers. */
export interface PrincipalKernel {
  project(...parameters: number[]): void;
  measure(...parameters: number[]): void;
  shortlist(...parameters: number[]): void;
  nearest(...parameters: number[]): number;
  similar(...parameters: number[]): number;
}

/** Offsets in the file. */
export interface PrincipalLayout {
  /** float32 [96]: what a step of each number's byte is; at the beginning. */
  readonly scalesAt: number;
  /** int16 [95, directionLength] */
  readonly directionsAt: number;
  /** Whole vectors: zeros beyond an image's length. */
  readonly directionLength: number;
  /** int8 [rowCount, 32] */
  readonly coarseAt: number;
  /** int8 [rowCount, 64] */
  readonly fineAt: number;
  readonly bytes: number;
}

export function principalLayout(rowCount: number, length: number): PrincipalLayout {
  const directionLength = wholeVectors(length);
  const directionsAt = NUMBERS * 4;
  const coarseAt = directionsAt + DIRECTIONS * directionLength * 2;
  const fineAt = coarseAt + rowCount * COARSE_NUMBERS;
  const bytes = fineAt + rowCount * (NUMBERS - COARSE_NUMBERS);
  return { scalesAt: 0, directionsAt, directionLength, coarseAt, fineAt, bytes };
}

/**
 * What 1 is in a direction's int16. An image's product with a direction is at most 255·√length of it, and has to fit
 * an int32.
 */
export function directionUnit(length: number): number {
  return Math.min(32_767, Math.floor(2 ** 31 / (255 * (Math.sqrt(length) + 1))));
}

/** Room for so many images that `project` reads. */
export function imagesBytes(count: number, length: number): number {
  return count * length + VECTOR_BYTES;
}
