/**
 * One picture file to pixels, by sharp (libvips).
 *
 * The file's own orientation (EXIF) is respected, colours are converted to sRGB, and what is transparent lies on
 * white, as on a page. Of animations it is the first frame.
 */

import type { Sharp } from "sharp";

/** A file that gives no picture; the message is the reason in a few words. */
export class UnusablePicture extends Error {
  override readonly name = "UnusablePicture";
}

export interface Picture {
  readonly width: number;
  readonly height: number;
  /** [height, width, 3], sRGB. */
  readonly pixels: Uint8Array;
}

export interface Decoder {
  /** Libraries and their versions: another one may give other pixels for the same file. */
  readonly name: string;
  /**
   * @param bytes a PNG, JPEG or WebP file
   * @param size [height, width]: the picture is cropped around its centre to this aspect and resized; null: as it is
   * @throws UnusablePicture
   */
  decode(bytes: Uint8Array, size: readonly [number, number] | null): Promise<Picture>;
}

/** A picture file may be this large; cameras' largest are half of it. */
const MAX_FILE_BYTES = 2 ** 27;
/** Judged from the header, before anything is decoded. */
const MAX_PIXELS = 2 ** 28;

/** libvips takes 0.1 s to load, so it is loaded when the first picture turns up. */
export async function createDecoder(): Promise<Decoder> {
  const { default: sharp } = await import("sharp");
  // No file is opened twice.
  sharp.cache(false);
  return {
    name: `sharp ${sharp.versions.sharp}, libvips ${sharp.versions.vips}`,
    async decode(bytes, size) {
      if (!hasPictureMagic(bytes)) throw new UnusablePicture(describeStart(bytes));
      const image = sharp(bytes, { limitInputPixels: MAX_PIXELS, failOn: "warning" }).autoOrient();
      if (size) image.resize({ height: size[0], width: size[1], fit: "cover" });
      const { data, info } = await toPixels(image);
      return { width: info.width, height: info.height, pixels: data };
    },
  };
}

/** @throws UnusablePicture if a file of so many bytes isn't worth reading */
export function checkFileBytes(bytes: number): void {
  if (bytes > MAX_FILE_BYTES) {
    throw new UnusablePicture(`${bytes} bytes, at most ${MAX_FILE_BYTES} are read`);
  }
}

async function toPixels(image: Sharp) {
  try {
    return await image
      .flatten({ background: "white" })
      .toColourspace("srgb")
      .raw()
      .toBuffer({ resolveWithObject: true });
  } catch (error) {
    throw new UnusablePicture(firstLine((error as Error).message));
  }
}

/** libvips would read many formats more, SVG among them, whatever the file is called. */
function hasPictureMagic(bytes: Uint8Array): boolean {
  const start = Buffer.from(bytes.subarray(0, 12)).toString("latin1");
  return (
    start.startsWith("\x89PNG\r\n\x1a\n") ||
    start.startsWith("\xff\xd8\xff") ||
    (start.startsWith("RIFF") && start.endsWith("WEBP"))
  );
}

function describeStart(bytes: Uint8Array): string {
  if (bytes.length === 0) return "empty";
  const start = Array.from(bytes.subarray(0, 4), (byte) => byte.toString(16).padStart(2, "0")).join(" ");
  return `no PNG, JPEG or WebP: starts with ${start}`;
}

function firstLine(message: string): string {
  return (message.trim().split("\n")[0] ?? "").slice(0, 120);
}
