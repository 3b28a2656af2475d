import { gaussianMixture } from "./gaussian-mixture.ts";

const LINES = [-4, -2, 0, 2, 4];

/** `grid`: 25 Gaussians on {−4, −2, 0, 2, 4}², row by row; sigma 0.05. */
export const grid = gaussianMixture(
  "grid",
  LINES.flatMap((y) => LINES.map((x) => [x, y])),
  0.05,
);
