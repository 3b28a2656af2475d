/** Samples as one picture: a grid of images, or a plot of vectors. */

import { type Image, imageGrid } from "../../shared/image-grid.ts";
import type { OutputSpec } from "../../shared/manifest.ts";
import { pixelsToBytes } from "../../shared/pixels.ts";
import { encodePng } from "../../shared/png.ts";

/** How many samples a preview shows. */
export function previewCount(output: OutputSpec): number {
  return output.kind === "image" ? 100 : 5_000;
}

/** @param samples [n, …output.shape] in output units */
export function previewPng(samples: Float32Array, output: OutputSpec): Uint8Array<ArrayBuffer> {
  if (output.kind === "vector") return encodePng(plot(samples, output.shape[0]));
  const [height, width, channels] = output.shape;
  return encodePng(
    imageGrid(pixelsToBytes(samples), samples.length / (height * width * channels), output.shape),
  );
}

const PLOT_SIZE = 360;

/** Points of the first two dimensions, or a histogram of the only one; black on white. */
function plot(samples: Float32Array, dimensions: number): Image {
  const size = PLOT_SIZE;
  const data = new Uint8Array(size * size).fill(255);
  const first = column(samples, dimensions, 0);
  const toX = scaleTo(first, size);
  if (dimensions === 1) {
    const counts = new Float64Array(size);
    for (const value of first) counts[toX(value)]!++;
    const peak = Math.max(...counts);
    for (let x = 0; x < size; x++) {
      const top = size - Math.round((counts[x]! / peak) * (size - 1));
      for (let y = top; y < size; y++) data[y * size + x] = 0;
    }
  } else {
    const second = column(samples, dimensions, 1);
    const toY = scaleTo(second, size);
    for (let i = 0; i < first.length; i++) {
      const at = (size - 1 - toY(second[i]!)) * size + toX(first[i]!);
      data[at] = Math.max(0, data[at]! - 90);
    }
  }
  return { width: size, height: size, channels: 1, data };
}

function column(samples: Float32Array, dimensions: number, index: number): Float32Array {
  return Float32Array.from(
    { length: samples.length / dimensions },
    (_, i) => samples[i * dimensions + index]!,
  );
}

/** Maps the values' range, with a margin of 5 %, to 0 … size − 1. */
function scaleTo(values: Float32Array, size: number): (value: number) => number {
  const low = values.reduce((a, b) => Math.min(a, b));
  const span = values.reduce((a, b) => Math.max(a, b)) - low || 1;
  return (value) => Math.round((0.05 + (0.9 * (value - low)) / span) * (size - 1));
}
