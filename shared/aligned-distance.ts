/**
 * How far an image is from the best simple transformation of another one. The kernel is kernels/align.as.ts.
 *
 * Pixel distance takes a copy that was dimmed, blurred or moved by a pixel for a stranger. So the other image x is
 * first fitted to the query q by least squares, in the query's position p out of five (as it is, moved by a pixel
 * to either side, up or down) that correlates most with x:
 *
 *     q_p ≈ a·x + b·blur(x) + c·∂x/∂x + d·∂x/∂y + e·∂x/∂turn + f
 *
 * Brightness and contrast are a and f; blur(x), a mean over 3×3 pixels, makes x softer or sharper; the derivatives
 * are its first order change when it is moved or turned. What is left, r, is measured by (mean r⁴)^¼: a copy with
 * noise, or mixed with another image, is a little off everywhere, another image of the same shape is far off
 * somewhere. Measured on MNIST, with 0.1 noise and with a blend of 20 %: the fourth power finds 99 and 95 % of
 * copies where the second finds 90. The outermost pixels, whose neighbours are unknown, are left out.
 *
 * It is a one-sided tangent distance (Simard, LeCun, Denker 1993, "Efficient pattern recognition using a new
 * transformation distance").
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
    ones: number,
    columns: number,
    planeBytes: number,
    scratch: number,
    equations: number,
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

/** Room for 5 planes, and for 5 equations with their terms' means and variances. */
const TERMS = 5;
const EQUATIONS_BYTES = 40 * 8;

/**
 * @param shape    [height, width, channels]
 * @param allocate takes room in the memory that `create` returns
 */
export function layOutAligner(shape: readonly number[], allocate: (bytes: number) => number) {
  const [height = 0, width = 0, channels = 0] = shape;
  const rowLength = (width - 2) * channels;
  const length = (height - 2) * rowLength;
  const planeBytes = wholeVectors(length * 4) + 16;
  const targetsAt = allocate(POSITIONS.length * planeBytes);
  const onesAt = allocate(planeBytes);
  const columnsAt = allocate(rowLength * 4 + 16);
  const scratchAt = allocate(TERMS * planeBytes);
  const equationsAt = allocate(EQUATIONS_BYTES);

  return (kernel: AlignKernel, memory: WebAssembly.Memory): Aligner => {
    new Float32Array(memory.buffer, onesAt, length).fill(1);
    const columns = new Float32Array(memory.buffer, columnsAt, rowLength);
    for (let i = 0; i < rowLength; i++) columns[i] = 1 + Math.floor(i / channels) - (width >> 1);
    return {
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
          onesAt,
          columnsAt,
          planeBytes,
          scratchAt,
          equationsAt,
          distances,
        );
      },
    };
  };
}
