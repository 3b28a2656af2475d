import fc from "fast-check";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { createDecoder, UnusablePicture } from "../trainer/data/pictures/decode.ts";
import { claimingSize, flat, pixelsOf, png } from "./picture-folder.ts";

describe("decoding", () => {
  const red = { r: 200, g: 100, b: 50 };
  const decodeFlat = async (file: Uint8Array): Promise<number[]> => {
    const { decode } = await createDecoder();
    const { width, height, pixels } = await decode(file, null);
    expect([width, height, pixels.length]).toEqual([4, 4, 48]);
    return [...pixels.subarray(0, 3)];
  };

  test.each<[string, () => Promise<Buffer>, number[], number]>([
    ["PNG", () => flat(red).png().toBuffer(), [200, 100, 50], 0],
    ["PNG, palette", () => flat(red).png({ palette: true }).toBuffer(), [200, 100, 50], 0],
    ["PNG, 16 bits", () => flat(red).toColourspace("rgb16").png().toBuffer(), [200, 100, 50], 0],
    ["PNG, grey", () => flat(red).toColourspace("b-w").png().toBuffer(), [128, 128, 128], 0],
    ["PNG, grey, 16 bits", () => flat(red).toColourspace("grey16").png().toBuffer(), [128, 128, 128], 0],
    [
      "PNG, half transparent: on white",
      () =>
        flat({ ...red, alpha: 0.5 })
          .png()
          .toBuffer(),
      [227, 177, 152],
      0,
    ],
    [
      "PNG, transparent",
      () =>
        flat({ ...red, alpha: 0 })
          .png()
          .toBuffer(),
      [255, 255, 255],
      0,
    ],
    ["JPEG", () => flat(red).jpeg().toBuffer(), [200, 100, 50], 2],
    ["JPEG, grey", () => flat(red).toColourspace("b-w").jpeg().toBuffer(), [128, 128, 128], 1],
    ["JPEG, CMYK", () => flat(red).toColourspace("cmyk").jpeg().toBuffer(), [200, 100, 50], 40],
    ["WebP, lossless", () => flat(red).webp({ lossless: true }).toBuffer(), [200, 100, 50], 0],
    [
      "WebP, half transparent",
      () =>
        flat({ ...red, alpha: 0.5 })
          .webp({ lossless: true })
          .toBuffer(),
      [227, 177, 152],
      0,
    ],
  ])("%s", async (_, file, expected, tolerance) => {
    const colour = await decodeFlat(await file());
    for (const [i, value] of colour.entries()) {
      expect(Math.abs(value - expected[i]!)).toBeLessThanOrEqual(tolerance);
    }
  });

  test("stands a picture upright as its EXIF data say", async () => {
    const raw = pixelsOf(3, 2, 3, 1);
    const lying = await sharp(raw, { raw: { width: 3, height: 2, channels: 3 } })
      .withMetadata({ orientation: 6 })
      .png()
      .toBuffer();
    const { decode } = await createDecoder();
    const { width, height, pixels } = await decode(lying, null);
    expect([width, height]).toEqual([2, 3]);
    // Orientation 6: the first column, from below, is the first row.
    expect([...pixels.subarray(0, 6)]).toEqual([...raw.subarray(9, 12), ...raw.subarray(0, 3)]);
  });

  test("crops around the centre, resizes, and leaves a picture of the right size as it is", async () => {
    const { decode } = await createDecoder();
    // Thirds of red, green and blue: the centre is green.
    const stripes = Buffer.from(
      Array.from({ length: 30 * 10 }, (_, i) =>
        [0, 1, 2].map((c) => (Math.floor((i % 30) / 10) === c ? 255 : 0)),
      ).flat(),
    );
    const wide = await sharp(stripes, { raw: { width: 30, height: 10, channels: 3 } })
      .png()
      .toBuffer();
    const tall = await sharp(wide).rotate(90).png().toBuffer();
    for (const [file, size] of [
      [wide, [10, 10]],
      [tall, [10, 10]],
      [wide, [4, 4]],
      [tall, [16, 16]],
    ] as const) {
      const { width, height, pixels } = await decode(file, size);
      expect([height, width]).toEqual(size);
      const middle = 3 * (Math.floor(height / 2) * width + Math.floor(width / 2));
      const [red, green, blue] = pixels.subarray(middle);
      // Resampling reaches over an edge.
      expect([red! < 10, green! > 245, blue! < 10]).toEqual([true, true, true]);
    }
    expect([...(await decode(wide, [10, 30])).pixels]).toEqual([...stripes]);
    expect([...(await decode(wide, [10, 10])).pixels]).toEqual(Array(100).fill([0, 255, 0]).flat());
  });

  test.each<[string, () => Promise<Uint8Array>, RegExp]>([
    ["empty", async () => new Uint8Array(0), /^empty$/],
    ["text", async () => Buffer.from("hello"), /^no PNG, JPEG or WebP: starts with 68 65 6c 6c$/],
    [
      "SVG",
      async () => Buffer.from("<svg xmlns='http://www.w3.org/2000/svg' width='4' height='4'/>"),
      /^no PNG/,
    ],
    ["GIF", async () => flat(red).gif().toBuffer(), /^no PNG, JPEG or WebP: starts with 47 49 46 38$/],
    ["half a PNG", async () => (await png(1, 64, 64)).subarray(0, 6000), /./],
    [
      "half a JPEG",
      async () => (await flat(red, { width: 640, height: 480 }).jpeg().toBuffer()).subarray(0, 1500),
      /./,
    ],
    [
      "half a WebP",
      async () =>
        (
          await sharp(await png(1, 64, 64))
            .webp()
            .toBuffer()
        ).subarray(0, 900),
      /./,
    ],
    ["a PNG header alone", async () => (await png(1)).subarray(0, 40), /./],
    ["100,000 × 100,000", async () => claimingSize(await png(1), 100_000, 100_000), /pixel limit/],
  ])("%s is unusable, and why is told in a line", async (_, file, message) => {
    const { decode } = await createDecoder();
    const error = await decode(await file(), [8, 8]).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(UnusablePicture);
    expect((error as Error).message).toMatch(message);
    expect((error as Error).message).not.toContain("\n");
  });

  test("whatever is damaged behind a file's header, it is a picture of the size or unusable", async () => {
    const { decode } = await createDecoder();
    const good = [
      await png(1, 9, 7),
      await sharp(await png(1, 9, 7))
        .jpeg()
        .toBuffer(),
    ];
    good.push(
      await sharp(await png(1, 9, 7))
        .webp()
        .toBuffer(),
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...good), fc.nat(), fc.nat(255), async (file, at, value) => {
        const damaged = Buffer.from(file);
        const half = Math.floor(file.length / 2);
        damaged[half + (at % half)] = value;
        const outcome = await decode(damaged, [5, 5]).catch((error: unknown) => error);
        if (!(outcome instanceof UnusablePicture)) {
          expect(outcome).toMatchObject({ width: 5, height: 5 });
          expect((outcome as { pixels: Uint8Array }).pixels.length).toBe(75);
        }
      }),
      { numRuns: 60 },
    );
  });
});
