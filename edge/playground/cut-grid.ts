/** The images of the grid that /sample draws. */

import { GAP_PIXELS, type Image as Picture } from "../../shared/image-grid.ts";
import { pixelsOf } from "./pixels.ts";

/**
 * @param png   a grid as imageGrid makes it
 * @param shape [height, width, channels]
 */
export async function cutGrid(
  png: Blob,
  count: number,
  [height, width, channels]: readonly [number, number, 1 | 3],
): Promise<Picture[]> {
  const bitmap = await createImageBitmap(png, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  const columns = Math.ceil(Math.sqrt(count));
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const context = canvas.getContext("2d", { willReadFrequently: true })!;
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return Array.from({ length: count }, (_, i) => {
    const left = (i % columns) * (width + GAP_PIXELS);
    const top = Math.floor(i / columns) * (height + GAP_PIXELS);
    return pixelsOf(context.getImageData(left, top, width, height), channels);
  });
}
