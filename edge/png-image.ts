/** Decodes PNGs from strangers. */

import { convertIndexedToRgb, decode } from "fast-png";
import { Unzlib } from "fflate";
import type { ImageSize } from "./image-header.ts";

/** Pixels, a byte each, channels interleaved: 1 grey, 2 grey + alpha, 3 RGB, 4 RGBA. */
export interface DecodedImage extends ImageSize {
  readonly channels: number;
  readonly data: Uint8Array;
}

const SIGNATURE_BYTES = 8;
const CHUNK_OVERHEAD_BYTES = 12;
const INDEXED_COLOUR = 3;
const NEEDED_CHUNKS = ["IHDR", "PLTE", "IDAT", "IEND"];

/**
 * @param size what the header says, already found acceptable
 * @throws Error if the file is broken, or inflates to more than an image of that size has
 */
export function decodePng(bytes: Uint8Array<ArrayBuffer>, size: ImageSize): DecodedImage {
  const png = decode(essentialPng(bytes, size), { checkCrc: true });
  if (png.palette) {
    const data = convertIndexedToRgb(png);
    return { ...size, channels: png.palette[0]!.length, data };
  }
  return { ...size, channels: png.channels, data: eightBit(png.data, png.depth, size.width) };
}

/**
 * The PNG without its ancillary chunks (colour profiles and texts may be compressed without bound), once its
 * pixels have been seen to inflate to no more than they should.
 */
function essentialPng(bytes: Uint8Array<ArrayBuffer>, { width, height }: ImageSize): Uint8Array<ArrayBuffer> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const kept = new Uint8Array(bytes.length);
  kept.set(bytes.subarray(0, SIGNATURE_BYTES));
  let keptBytes = SIGNATURE_BYTES;
  const isIndexed = bytes[25] === INDEXED_COLOUR;
  // Eight bytes a pixel at most, a filter byte a line, and room for interlacing's extra lines.
  const inflate = boundedInflate(height * (width * 8 + 1) + 7 * (height + width + 8));
  for (let at = SIGNATURE_BYTES; ; ) {
    if (at + CHUNK_OVERHEAD_BYTES > bytes.length) throw new Error("the file ends before its end marker");
    const length = view.getUint32(at);
    const end = at + CHUNK_OVERHEAD_BYTES + length;
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (end > bytes.length) throw new Error(`the file ends inside its ${type} chunk`);
    if (type === "IHDR" && at !== SIGNATURE_BYTES) throw new Error("it has a second header");
    if (type === "IDAT") inflate(bytes.subarray(at + 8, at + 8 + length));
    if (NEEDED_CHUNKS.includes(type) || (type === "tRNS" && isIndexed)) {
      kept.set(bytes.subarray(at, end), keptBytes);
      keptBytes += end - at;
    }
    if (type === "IEND") return kept.subarray(0, keptBytes);
    at = end;
  }
}

/** Inflates in small bites, so that a bomb is noticed before it has grown. */
function boundedInflate(limit: number): (compressed: Uint8Array) => void {
  const BITE_BYTES = 1024; // deflate expands at most 1032 times
  let inflated = 0;
  const stream = new Unzlib((chunk) => {
    inflated += chunk.length;
  });
  return (compressed) => {
    for (let at = 0; at < compressed.length; at += BITE_BYTES) {
      stream.push(compressed.slice(at, at + BITE_BYTES));
      if (inflated > limit) throw new Error("its pixel data inflates to more than its size allows");
    }
  };
}

/** Samples of 1, 2, 4 or 16 bits as 8 bits; fewer than 8 are packed, each line starting at a byte. */
function eightBit(data: ArrayLike<number>, depth: number, width: number): Uint8Array {
  if (depth === 8) return Uint8Array.from(data);
  if (depth === 16) return Uint8Array.from(data, (value) => Math.round(value / 257));
  const perByte = 8 / depth;
  const lineBytes = Math.ceil(width / perByte);
  const maximum = 2 ** depth - 1;
  const height = data.length / lineBytes;
  const pixels = new Uint8Array(width * height);
  for (let i = 0; i < pixels.length; i++) {
    const x = i % width;
    const byte = data[Math.floor(i / width) * lineBytes + Math.floor(x / perByte)]!;
    const value = (byte >> (8 - depth * ((x % perByte) + 1))) & maximum;
    pixels[i] = (value * 255) / maximum;
  }
  return pixels;
}
