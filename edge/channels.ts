import type { DecodedImage } from "./png-image.ts";

/**
 * An image's pixels with the model's channels, a byte each.
 *
 * Transparency shows black behind it. Colour becomes grey by Rec. 601 luma in whole numbers, so that grey
 * stays what it was; grey becomes colour by repeating it.
 */
export function convertChannels(image: DecodedImage, channels: 1 | 3): Uint8Array<ArrayBuffer> {
  const { width, height, data, channels: given } = image;
  const pixels = new Uint8Array(width * height * channels);
  const hasAlpha = given === 2 || given === 4;
  const isColour = given >= 3;
  for (let i = 0; i < width * height; i++) {
    const at = i * given;
    const alpha = hasAlpha ? data[at + given - 1]! : 255;
    const over = (value: number) => Math.round((value * alpha) / 255);
    const red = over(data[at]!);
    const green = isColour ? over(data[at + 1]!) : red;
    const blue = isColour ? over(data[at + 2]!) : red;
    if (channels === 1) {
      pixels[i] = Math.floor((299 * red + 587 * green + 114 * blue + 500) / 1000);
    } else {
      pixels[i * 3] = red;
      pixels[i * 3 + 1] = green;
      pixels[i * 3 + 2] = blue;
    }
  }
  return pixels;
}
