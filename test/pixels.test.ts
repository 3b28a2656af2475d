import { decode, encode } from "fast-png";
import { expect, test } from "vitest";
import { imageGrid } from "../shared/image-grid.ts";
import { pixelsToBytes } from "../shared/pixels.ts";
import { encodePng } from "../shared/png.ts";
import { encodeStoredPng } from "../shared/stored-png.ts";

test("every byte survives the way to [0, 1] and back", () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
  expect(pixelsToBytes(Float32Array.from(bytes, (byte) => byte / 255))).toEqual(bytes);
});

test("pixels outside [0, 1] are clamped; NaN is black", () => {
  const odd = [-1, -0, 1.5, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN];
  expect(Array.from(pixelsToBytes(Float32Array.from(odd)))).toEqual([0, 0, 255, 255, 0, 0]);
});

test("a grid of 3 images of 1×2 pixels: two columns, white gaps, an empty place", () => {
  const grid = imageGrid(Uint8Array.of(1, 2, 3, 4, 5, 6), 3, [1, 2, 1]);
  const white = 255;
  expect(grid).toMatchObject({ width: 6, height: 4, channels: 1 });
  expect(Array.from(grid.data)).toEqual([
    ...[1, 2, white, white, 3, 4],
    ...[white, white, white, white, white, white],
    ...[white, white, white, white, white, white],
    ...[5, 6, white, white, white, white],
  ]);
});

test("a grid keeps colours in place", () => {
  const grid = imageGrid(
    Uint8Array.from({ length: 6 }, (_, i) => i),
    2,
    [1, 1, 3],
  );
  expect(Array.from(grid.data)).toEqual([0, 1, 2, ...new Array(6).fill(255), 3, 4, 5]);
});

test("one image alone stays as it is", () => {
  const data = Uint8Array.of(7, 8);
  expect(imageGrid(data, 1, [2, 1, 1])).toEqual({ width: 1, height: 2, channels: 1, data });
});

test("a PNG holds the image's pixels", () => {
  const data = Uint8Array.from({ length: 24 }, (_, i) => i * 10);
  const decoded = decode(encodePng({ width: 4, height: 2, channels: 3, data }));
  expect(decoded).toMatchObject({ width: 4, height: 2, channels: 3, depth: 8 });
  expect(Array.from(decoded.data)).toEqual(Array.from(data));
});

test.each([
  [28, 28, 1],
  [3, 5, 3],
  [1, 1, 1],
  [21_844, 1, 3], // as much as a stored block holds, and many of Adler-32's runs
] as const)(
  "small pictures, %i×%i×%i: the bytes that fast-png writes without compression",
  (width, height, channels) => {
    const data = Uint8Array.from({ length: width * height * channels }, (_, i) => 255 - ((i * 7) % 90));
    const expected = encode({ width, height, channels, data, depth: 8 }, { zlib: { level: 0 } });
    expect(encodeStoredPng({ width, height, channels, data })).toEqual(new Uint8Array(expected));
  },
);
