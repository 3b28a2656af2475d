/** Pixels as PNG has them: row-major, channels interleaved, 1 grey or 3 RGB, a byte each. */
export interface Image {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  readonly data: Uint8Array;
}

/** Between the images of a grid. */
export const GAP_PIXELS = 2;
const GAP_VALUE = 255;

/**
 * Images of one size side by side, row by row, in the squarest grid that holds them, with a thin white gap
 * between. One image stays as it is.
 *
 * @param pixels  [count, height, width, channels] bytes
 * @param shape   [height, width, channels]
 * @param columns left out: the square root of the count, rounded up
 */
export function imageGrid(
  pixels: Uint8Array,
  count: number,
  shape: readonly [number, number, 1 | 3],
  columns: number = Math.ceil(Math.sqrt(count)),
): Image {
  const [height, width, channels] = shape;
  if (count === 1) return { width, height, channels, data: pixels };
  const gridRows = Math.ceil(count / columns);
  const gridWidth = columns * (width + GAP_PIXELS) - GAP_PIXELS;
  const gridHeight = gridRows * (height + GAP_PIXELS) - GAP_PIXELS;
  const data = new Uint8Array(gridWidth * gridHeight * channels).fill(GAP_VALUE);
  const lineBytes = width * channels;
  for (let i = 0; i < count; i++) {
    const left = (i % columns) * (width + GAP_PIXELS);
    const top = Math.floor(i / columns) * (height + GAP_PIXELS);
    for (let y = 0; y < height; y++) {
      const line = (i * height + y) * lineBytes;
      data.set(pixels.subarray(line, line + lineBytes), ((top + y) * gridWidth + left) * channels);
    }
  }
  return { width: gridWidth, height: gridHeight, channels, data };
}
