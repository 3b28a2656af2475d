/** Samples as one picture: a grid of images, or a plot of vectors. */

import { type Image, imageGrid } from "../../shared/image-grid.ts";
import type { OutputSpec } from "../../shared/manifest.ts";
import { pixelsToBytes } from "../../shared/pixels.ts";
import { encodePng } from "../../shared/png.ts";
import type { Rows } from "../data/dataset.ts";

/** How many samples a preview shows. */
export function previewCount(output: OutputSpec): number {
  return output.kind === "image" ? 100 : 5_000;
}

/**
 * @param samples [n, …output.shape] in output units
 * @param real    of vectors: training examples, which give the plot its axes and lie behind the samples in light grey
 */
export function previewPng(
  samples: Float32Array,
  output: OutputSpec,
  real?: Pick<Rows, "values">,
): Uint8Array<ArrayBuffer> {
  if (output.kind === "vector") {
    const [dimensions] = output.shape;
    const behind = real?.values.subarray(0, previewCount(output) * dimensions);
    return encodePng(plot(samples, behind ?? samples, dimensions));
  }
  const [height, width, channels] = output.shape;
  return encodePng(
    imageGrid(pixelsToBytes(samples), samples.length / (height * width * channels), output.shape),
  );
}

const PLOT_SIZE = 360;
const BEHIND = 215;

/** Points of the first two dimensions, or a histogram of the only one; black on white, what lies behind in grey. */
function plot(samples: Numbers, behind: Numbers, dimensions: number): Image {
  const size = PLOT_SIZE;
  const data = new Uint8Array(size * size).fill(255);
  const axes = [0, Math.min(1, dimensions - 1)].map((dimension) =>
    scaleTo(column(behind, dimensions, dimension), size),
  );
  const draw = dimensions === 1 ? drawHistogram : drawPoints;
  if (behind !== samples) draw(behind, () => BEHIND);
  draw(samples, (before) => (dimensions === 1 ? 0 : Math.max(0, before - 90)));
  return { width: size, height: size, channels: 1, data };

  function drawPoints(points: Numbers, shade: (before: number) => number): void {
    for (let i = 0; i < points.length; i += dimensions) {
      const [x, y] = [axes[0]!(points[i]!), size - 1 - axes[1]!(points[i + 1]!)];
      if (!(x >= 0 && x < size && y >= 0 && y < size)) continue; // outside of the axes
      data[y * size + x] = shade(data[y * size + x]!);
    }
  }

  function drawHistogram(points: Numbers, shade: (before: number) => number): void {
    const counts = new Float64Array(size);
    for (const value of points) {
      const x = axes[0]!(value);
      if (x >= 0 && x < size) counts[x]!++;
    }
    const peak = Math.max(1, ...counts);
    for (let x = 0; x < size; x++) {
      const top = size - Math.round((counts[x]! / peak) * (size - 1));
      for (let y = top; y < size; y++) data[y * size + x] = shade(data[y * size + x]!);
    }
  }
}

type Numbers = ArrayLike<number> & Iterable<number>;

function column(values: Numbers, dimensions: number, index: number): Float32Array {
  return Float32Array.from({ length: values.length / dimensions }, (_, i) => values[i * dimensions + index]!);
}

/** Maps the values' range, with a margin of 5 %, to 0 … size − 1. */
function scaleTo(values: Float32Array, size: number): (value: number) => number {
  const low = values.reduce((a, b) => Math.min(a, b));
  const span = values.reduce((a, b) => Math.max(a, b)) - low || 1;
  return (value) => Math.round((0.05 + (0.9 * (value - low)) / span) * (size - 1));
}
