/** Bodies that are made to cost a server more than they cost their sender. */

import { crc32 } from "node:zlib";
import sharp from "sharp";

const PNG_SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

export function joined(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.concat(parts));
}

/** @param chunks what lies between the signature and the end marker */
export function pngOf(...chunks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return joined(Uint8Array.from(PNG_SIGNATURE), ...chunks, pngChunk("IEND", new Uint8Array(0)));
}

export function pngHeader(
  width: number,
  height: number,
  { depth = 8, colour = 0, interlace = 0 } = {},
): Uint8Array<ArrayBuffer> {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([depth, colour, 0, 0, interlace], 8);
  return pngChunk("IHDR", header);
}

/** A chunk with its length and its right checksum. */
export function pngChunk(type: string, data: Uint8Array): Uint8Array<ArrayBuffer> {
  const chunk = Buffer.alloc(12 + data.length);
  chunk.writeUInt32BE(data.length, 0);
  chunk.write(type, 4, "latin1");
  chunk.set(data, 8);
  chunk.writeUInt32BE(crc32(chunk.subarray(4, 8 + data.length)), 8 + data.length);
  return new Uint8Array(chunk);
}

/** 28×28 pixels each; `large` has 4,000×4,000. */
export const JPEGS = {
  grey: await jpeg(28, 1, {}),
  colour: await jpeg(28, 3, {}),
  progressive: await jpeg(28, 3, { progressive: true }),
  large: await jpeg(4000, 3, {}),
};

async function jpeg(side: number, channels: 1 | 3, options: object): Promise<Uint8Array<ArrayBuffer>> {
  const pixels = new Uint8Array(side * side * channels).fill(99);
  return new Uint8Array(
    await sharp(pixels, { raw: { width: side, height: side, channels } })
      .jpeg(options)
      .toBuffer(),
  );
}

/**
 * JSON that is deep, wide or odd.
 *
 * @param size about how many characters
 */
export function hostileJson(size: number): string[] {
  const times = (text: string) => text.repeat(Math.ceil(size / text.length));
  return [
    times("["),
    times("[") + times("]"),
    `{"pixels":${times("[")}${times("]")}}`,
    `${times('{"a":')}1${times("}")}`,
    `{"pixels":[${times("-1,")}0]}`,
    `{"pixels":[${times('"",')}0]}`,
    `{"vector":[${times("1e999,")}0]}`,
    `{"${times("k")}":1}`,
    `{"pixels":[1],${Array.from({ length: size / 8 }, (_, i) => `"k${i}":1`).join()}}`,
    '{"__proto__":{"seed":1}}',
    '{"seed":1e999}',
    '{"seed":1,"seed":-1}',
    "\ufeff{}",
    "null",
    "",
  ];
}
