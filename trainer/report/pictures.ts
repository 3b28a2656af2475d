/** Pictures inside of a page: examples and samples as small images, grids as WebP. */

import sharp from "sharp";
import type { Image } from "../../shared/image-grid.ts";
import { pixelsToBytes } from "../../shared/pixels.ts";
import { encodePng } from "../../shared/png.ts";
import type { Dataset } from "../data/dataset.ts";

/** A picture that is larger is shown smaller, in both directions. */
const LARGEST = 64;
const LARGEST_GRID = 680;
/** Grey grids of up to so many pixels are kept as they are; others are compressed with a loss that can't be seen. */
const LOSSLESS_PIXELS = 160_000;

function dataUrl(type: "image/png" | "image/webp", bytes: Uint8Array): string {
  return `data:${type};base64,${Buffer.from(bytes).toString("base64")}`;
}

/** A PNG of any size, small enough for a page. */
export async function gridUrl(png: Uint8Array): Promise<string> {
  const picture = sharp(png, { limitInputPixels: false });
  const { width, height, channels } = await picture.metadata();
  const lossless = channels === 1 && width * height <= LOSSLESS_PIXELS;
  const webp = await picture
    .resize({ width: LARGEST_GRID, withoutEnlargement: true })
    .webp(lossless ? { lossless } : { quality: 85 })
    .toBuffer();
  return dataUrl("image/webp", webp);
}

export async function imageUrl(image: Image): Promise<string> {
  return dataUrl("image/png", encodePng(await atMost(image, LARGEST)));
}

/** Training example `row`, an image. */
export function exampleImage({ shape, train }: Dataset, row: number): Image {
  return imageOf(shape, (train.values as Uint8Array).subarray(row * train.length, (row + 1) * train.length));
}

/** Sample `index` of [n, height, width, channels] in 0 … 1. */
export function sampleImage({ shape, train }: Dataset, samples: Float32Array, index: number): Image {
  return imageOf(shape, pixelsToBytes(samples.subarray(index * train.length, (index + 1) * train.length)));
}

function imageOf(shape: readonly number[], data: Uint8Array): Image {
  const [height, width, channels] = shape as [number, number, 1 | 3];
  return { height, width, channels, data };
}

/** The image itself, or made smaller so that neither side is longer. */
export async function atMost(image: Image, side: number): Promise<Image> {
  const { width, height, channels } = image;
  if (Math.max(width, height) <= side) return image;
  const { data, info } = await sharp(image.data, {
    raw: { width, height, channels },
    limitInputPixels: false,
  })
    .resize({ width: side, height: side, fit: "inside" })
    .toColourspace(channels === 1 ? "b-w" : "srgb")
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, channels, data: new Uint8Array(data) };
}
