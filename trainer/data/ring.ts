import { gaussianMixture } from "./gaussian-mixture.ts";

const DIAGONAL = Math.SQRT1_2;

/** `ring`: 8 Gaussians, evenly spaced on the unit circle, counter-clockwise from (1, 0); sigma 0.01. */
export const ring = gaussianMixture(
  "ring",
  [
    [1, 0],
    [DIAGONAL, DIAGONAL],
    [0, 1],
    [-DIAGONAL, DIAGONAL],
    [-1, 0],
    [-DIAGONAL, -DIAGONAL],
    [0, -1],
    [DIAGONAL, -DIAGONAL],
  ],
  0.01,
);
