/** Decoded pictures as rows of one array, all of one shape. */

import { InputError } from "../../input-error.ts";
import type { Picture } from "./decode.ts";

/** `auto` is grey if no pixel of any picture has a colour. */
export type Channels = "auto" | "grey" | "rgb";

export interface PicturePixels {
  /** [height, width, channels] of every row. */
  readonly shape: readonly [number, number, 1 | 3];
  readonly values: Uint8Array<ArrayBuffer>;
}

export interface PictureRows {
  /**
   * Puts a picture into its row.
   *
   * @throws InputError if it is of another size than the first one that was placed
   */
  place(row: number, name: string, picture: Picture): void;
  /**
   * Rows that were placed, in order, without the gaps, and their numbers, ascending; null if there are none. Grey if
   * no pixel of any of them has a colour.
   */
  finish(): (PicturePixels & { readonly placed: readonly number[] }) | null;
}

const MAX_BYTES = 2 ** 32;

/**
 * @param count how many rows there are at most
 * @param where what to call the source in errors
 */
export function createPictureRows(count: number, where: string): PictureRows {
  let first: { readonly name: string; readonly width: number; readonly height: number } | null = null;
  // Grey until a colour turns up, so that grey pictures never take three bytes a pixel.
  let depth: 1 | 3 = 1;
  let values = new Uint8Array(0);
  const isPlaced = new Uint8Array(count);

  function allocate(pixels: number): Uint8Array<ArrayBuffer> {
    const bytes = count * pixels * depth;
    if (bytes > MAX_BYTES) {
      throw new InputError(
        `${where}: ${count.toLocaleString("en")} pictures of ${first!.height}×${first!.width}×${depth} are ` +
          `${bytes.toLocaleString("en")} bytes, at most ${MAX_BYTES.toLocaleString("en")} are read. ` +
          "Make them smaller with --set data.size=32, or give fewer.",
      );
    }
    return new Uint8Array(bytes);
  }

  return {
    place(row, name, { width, height, pixels }) {
      const area = width * height;
      if (!first) {
        first = { name, width, height };
        values = allocate(area);
      }
      if (width !== first.width || height !== first.height) {
        throw new InputError(
          `${where}: ${first.name} has ${sizeOf(first)} pixels, ${name} ${sizeOf({ width, height })}. ` +
            "To crop and resize all pictures to 32×32, say --set data.size=32.",
        );
      }
      if (depth === 1 && hasColour(pixels)) {
        depth = 3;
        values = greyToRgb(values, allocate(area));
      }
      if (depth === 3) values.set(pixels, 3 * row * area);
      else rgbToGrey(pixels, values.subarray(row * area, (row + 1) * area));
      isPlaced[row] = 1;
    },

    finish() {
      if (!first) return null;
      const length = first.width * first.height * depth;
      const placed = Array.from(isPlaced.keys()).filter((row) => isPlaced[row]);
      for (const [to, row] of placed.entries()) {
        if (to !== row) values.copyWithin(to * length, row * length, (row + 1) * length);
      }
      return {
        shape: [first.height, first.width, depth],
        values: values.subarray(0, placed.length * length),
        placed,
      };
    },
  };
}

function hasColour(pixels: Uint8Array): boolean {
  for (let i = 0; i < pixels.length; i += 3) {
    if (pixels[i] !== pixels[i + 1] || pixels[i] !== pixels[i + 2]) return true;
  }
  return false;
}

/** The same pictures in the channels that are asked for. */
export function withChannels<P extends PicturePixels>(pictures: P, channels: Channels): P {
  const { shape, values } = pictures;
  const [height, width, depth] = shape;
  const area = values.length / depth;
  if (channels === "grey" && depth === 3) {
    return { ...pictures, shape: [height, width, 1], values: rgbToGrey(values, new Uint8Array(area)) };
  }
  if (channels === "rgb" && depth === 1) {
    return { ...pictures, shape: [height, width, 3], values: greyToRgb(values, new Uint8Array(3 * area)) };
  }
  return pictures;
}

function greyToRgb(grey: Uint8Array, rgb: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  for (let i = 0; i < grey.length; i++) {
    rgb[3 * i] = grey[i]!;
    rgb[3 * i + 1] = grey[i]!;
    rgb[3 * i + 2] = grey[i]!;
  }
  return rgb;
}

/** By ITU-R BT.601, as most tools do; a pixel without colour keeps its value exactly. */
function rgbToGrey(rgb: Uint8Array, grey: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  for (let i = 0; i < grey.length; i++) {
    grey[i] = Math.round((299 * rgb[3 * i]! + 587 * rgb[3 * i + 1]! + 114 * rgb[3 * i + 2]!) / 1000);
  }
  return grey;
}

function sizeOf({ width, height }: { readonly width: number; readonly height: number }): string {
  return `${width}×${height}`;
}
