/** Pictures' numbers: from canvases, inverted, compared. */

import type { Image as Picture } from "../../shared/image-grid.ts";
import { convertChannels } from "../channels.ts";

/** With the model's channels, as the server would read them. */
export function pixelsOf({ width, height, data }: ImageData, channels: 1 | 3): Picture {
  const bytes = new Uint8Array(data.buffer as ArrayBuffer);
  return {
    width,
    height,
    channels,
    data: convertChannels({ width, height, channels: 4, data: bytes }, channels),
  };
}

export function inverted(picture: Picture): Picture {
  return { ...picture, data: picture.data.map((value) => 255 - value) };
}

/** Mean of the outermost pixels, 0 to 255: the background's brightness, where there is one. */
export function borderBrightness({ width, height, channels, data }: Picture): number {
  let sum = 0;
  let count = 0;
  for (let i = 0; i < data.length; i++) {
    const pixel = Math.floor(i / channels);
    const x = pixel % width;
    const y = Math.floor(pixel / width);
    if (x > 0 && y > 0 && x < width - 1 && y < height - 1) continue;
    sum += data[i]!;
    count++;
  }
  return sum / count;
}

const BRIGHTER = [232, 89, 12];
const DARKER = [45, 110, 230];

/** Where the first is brighter (orange) and where it is darker (blue): the stronger, the more opaque. */
export function difference(first: Picture, second: Picture): ImageData {
  const { width, height, channels } = first;
  const rgba = new Uint8ClampedArray(width * height * 4);
  for (let pixel = 0; pixel < width * height; pixel++) {
    let signed = 0;
    let absolute = 0;
    for (let at = pixel * channels; at < (pixel + 1) * channels; at++) {
      const each = first.data[at]! - second.data[at]!;
      signed += each;
      absolute += Math.abs(each);
    }
    rgba.set([...(signed > 0 ? BRIGHTER : DARKER), absolute / channels], pixel * 4);
  }
  return new ImageData(rgba, width, height);
}

/** A picture that the server sent. */
export async function pictureIn(response: Response, channels: 1 | 3): Promise<Picture> {
  const bitmap = await createImageBitmap(await response.blob(), { colorSpaceConversion: "none" });
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const context = canvas.getContext("2d")!;
  context.drawImage(bitmap, 0, 0);
  return pixelsOf(context.getImageData(0, 0, bitmap.width, bitmap.height), channels);
}
