/**
 * A picture as sixels: columns of six pixels, one colour after the other.
 *
 * Source: VT330/VT340 Programmer Reference Manual, volume 2, chapter 14.
 */

interface PixelImage {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly data: ArrayLike<number>;
}

/** Levels of a channel: 6 × 6 × 6 colours, which are fewer than the 256 that terminals keep. */
const LEVELS = 6;

/** @param image 8-bit grey or RGB */
export function sixels(image: PixelImage): string {
  const { width, height } = image;
  const colours = Uint8Array.from({ length: width * height }, (_, pixel) => colourOf(image, pixel));
  const palette = Array.from(new Set(colours)).map((colour) => {
    const percents = [colour / LEVELS ** 2, colour / LEVELS, colour].map((level) =>
      Math.round(((Math.floor(level) % LEVELS) / (LEVELS - 1)) * 100),
    );
    return `#${colour};2;${percents.join(";")}`;
  });
  let body = "";
  for (let top = 0; top < height; top += 6) {
    const lines = coloursIn(colours.subarray(top * width, (top + 6) * width)).map((colour) => {
      let line = `#${colour}`;
      let last = "";
      let count = 0;
      for (let x = 0; x <= width; x++) {
        const sixel = x < width ? sixelAt(colours, width, x, top, colour) : "";
        if (sixel !== last) {
          line += count > 3 ? `!${count}${last}` : last.repeat(count);
          [last, count] = [sixel, 0];
        }
        count++;
      }
      return line;
    });
    // $ returns to the left, - goes down.
    body += `${lines.join("$")}-`;
  }
  return `\x1bPq"1;1;${width};${height}${palette.join("")}${body}\x1b\\`;
}

function colourOf({ channels, data }: PixelImage, pixel: number): number {
  const level = (channel: number) =>
    Math.round((data[pixel * channels + Math.min(channel, channels - 1)]! / 255) * (LEVELS - 1));
  return (level(0) * LEVELS + level(1)) * LEVELS + level(2);
}

function coloursIn(colours: Uint8Array): number[] {
  return Array.from(new Set(colours)).sort((a, b) => a - b);
}

function sixelAt(colours: Uint8Array, width: number, x: number, top: number, colour: number): string {
  let bits = 0;
  for (let y = 0; y < 6; y++) if (colours[(top + y) * width + x] === colour) bits |= 1 << y;
  return String.fromCharCode(63 + bits);
}
