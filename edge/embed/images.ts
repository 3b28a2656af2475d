/** Images as pages use them. */

import type { Image } from "../../shared/image-grid.ts";

export interface GeneratedImage {
  readonly width: number;
  readonly height: number;
  /** 1: grey, 3: RGB. */
  readonly channels: 1 | 3;
  /** 0 to 255, height × width × channels, row by row, as /sample's JSON has them. */
  readonly pixels: Uint8Array<ArrayBuffer>;
  /** Its class; null where the model has none, and between two samples. */
  readonly label: string | null;
  toImageData(): ImageData;
  /** A new canvas of the image's own size. */
  toCanvas(): HTMLCanvasElement;
}

export function generatedImage(
  pixels: Uint8Array<ArrayBuffer>,
  [height, width, channels]: readonly [number, number, 1 | 3],
  label: string | null,
): GeneratedImage {
  const image = { width, height, channels, data: pixels };
  return {
    width,
    height,
    channels,
    pixels,
    label,
    toImageData: () => toImageData(image),
    toCanvas: () => {
      const canvas = document.createElement("canvas");
      paint(canvas, image);
      return canvas;
    },
  };
}

/** Makes the canvas as large as the image, and draws it. */
export function paint(canvas: HTMLCanvasElement, image: Image): void {
  canvas.width = image.width;
  canvas.height = image.height;
  // It is drawn from memory, and may be read back.
  canvas.getContext("2d", { willReadFrequently: true })!.putImageData(toImageData(image), 0, 0);
}

function toImageData({ width, height, channels, data }: Image): ImageData {
  const rgba = new Uint8ClampedArray(width * height * 4).fill(255);
  for (let i = 0; i < width * height; i++) {
    for (let channel = 0; channel < 3; channel++) {
      rgba[4 * i + channel] = data[channels === 1 ? i : 3 * i + channel]!;
    }
  }
  return new ImageData(rgba, width, height);
}
