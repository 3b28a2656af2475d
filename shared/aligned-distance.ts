/**
 * How far an image is from the best simple transformation of another one. The kernel is kernels/align.as.ts.
 *
 * Pixel distance takes a copy that was dimmed, blurred or moved by a pixel for a stranger. So the other image x is
 * first fitted to the query q, in the query's position p out of five (as it is, moved by a pixel
 * to either side, up or down) that correlates most with x:
 *
 *     q_p ≈ a·x + b·blur(x) + c
 *
 * Brightness and contrast are a and c; blur(x), a mean over 3×3 pixels, makes x softer or sharper. Its share b is held
 * back by a tenth of its variance (ridge regression), or it would explain any smooth image too well. What is left, r, is
 * measured by (mean r⁴)^¼: a copy with noise, or mixed with another image, is a little off everywhere, another image of
 * the same shape is far off somewhere. The outermost pixels, whose neighbours are unknown, are left out.
 *
 * What moved the share found on MNIST at alpha = 0.01 (BENCHMARKS.md has the whole table), in percent:
 *
 *     |                       | noise | blended | blurred | samples of a model |
 *     | as above              |  99.8 |    99.0 |    97.0 |                0.7 |
 *     | no ridge              |  99.8 |    98.3 |    98.8 |                1.8 |
 *     | no blur               | 100.0 |    99.0 |    55.0 |                0.5 |
 *     | no ridge, (mean r²)^½ |  91.5 |    92.3 |    98.0 |                0.8 |
 *
 * Derivatives of x beside these, a tangent distance (Simard, LeCun, Denker 1993), found 97.7 % with noise and 95.7 %
 * blended, where the same without them found 99.7 and 98.3.
 *
 * A change here changes the calibrated statistic: give it another name in the manifest then.
 */

import { wholeVectors } from "./kernel-memory.ts";

/** Where the query's pixels come from, [rows down, columns right]. */
export const POSITIONS: readonly (readonly [number, number])[] = [
  [0, 0],
  [0, 1],
  [0, -1],
  [1, 0],
  [-1, 0],
];

/** The image in every position, one after the other; what moves in from outside repeats the edge. */
export function movedImages(
  image: Uint8Array,
  [height = 0, width = 0, channels = 0]: readonly number[],
  moved: Uint8Array,
): void {
  let at = 0;
  for (const [down, right] of POSITIONS) {
    for (let y = 0; y < height; y++) {
      const row = Math.min(Math.max(y + down, 0), height - 1) * width;
      for (let x = 0; x < width; x++) {
        const from = (row + Math.min(Math.max(x + right, 0), width - 1)) * channels;
        for (let channel = 0; channel < channels; channel++) moved[at++] = image[from + channel]!;
      }
    }
  }
}

interface AlignKernel {
  inner(image: number, height: number, width: number, channels: number, plane: number): void;
  alignedDistances(
    rows: number,
    height: number,
    width: number,
    channels: number,
    candidates: number,
    count: number,
    positions: number,
    targets: number,
    planeBytes: number,
    scratch: number,
    distances: number,
  ): void;
}

export interface Aligner {
  /**
   * @param rows       offset of the training rows
   * @param moved      offset of the query's `movedImages`; 16 readable bytes follow
   * @param candidates offset of int32, row × positions + position
   * @param distances  offset of what is written: a float64 each, in pixels of 0 to 255
   */
  measure(rows: number, moved: number, candidates: number, count: number, distances: number): void;
}

/**
 * @param shape    [height, width, channels]
 * @param allocate takes room in the memory that `create` returns
 */
export function layOutAligner(shape: readonly number[], allocate: (bytes: number) => number) {
  const [height = 0, width = 0, channels = 0] = shape;
  const planeBytes = wholeVectors((height - 2) * (width - 2) * channels * 4) + 16;
  const targetsAt = allocate(POSITIONS.length * planeBytes);
  const scratchAt = allocate(2 * planeBytes);

  return (kernel: AlignKernel): Aligner => ({
    measure(rows, moved, candidates, count, distances) {
      for (let i = 0; i < POSITIONS.length; i++) {
        const image = moved + i * height * width * channels;
        kernel.inner(image, height, width, channels, targetsAt + i * planeBytes);
      }
      kernel.alignedDistances(
        rows,
        height,
        width,
        channels,
        candidates,
        count,
        POSITIONS.length,
        targetsAt,
        planeBytes,
        scratchAt,
        distances,
      );
    },
  });
}
