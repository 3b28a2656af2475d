import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { POSITIONS } from "../shared/aligned-distance.ts";
import { createImageScan } from "../shared/image-scan.ts";
import { MAX_NEIGHBOURS } from "../shared/neighbour-scan.ts";
import { createPlainScan } from "../shared/plain-scan.ts";
import { isPoolable } from "../shared/pooled-rows.ts";
import { createRandom, type Random } from "../shared/random.ts";
import { scanKernels } from "../trainer/engine/kernels.ts";

const kernels = scanKernels();

type Shape = readonly [height: number, width: number, channels: number];

const shapes = fc.oneof(
  fc.constantFrom<Shape>([28, 28, 1], [32, 32, 3], [16, 16, 1], [8, 8, 1]),
  fc.tuple(fc.integer({ min: 8, max: 19 }), fc.integer({ min: 8, max: 19 }), fc.constantFrom(1, 3)),
);

function scansOf(shape: Shape, values: Uint8Array) {
  const spec = { dtype: "uint8" as const, rowCount: values.length / sizeOf(shape), shape };
  const scans = { image: createImageScan(kernels, spec), plain: createPlainScan(kernels.scan, spec) };
  for (const scan of Object.values(scans)) scan.rows.set(values);
  return scans;
}

function sizeOf([height, width, channels]: Shape): number {
  return height * width * channels;
}

/** Images of a few soft blobs, so that some are much nearer than others and means over pixels differ. */
function drawImage([height, width, channels]: Shape, random: Random): Uint8Array<ArrayBuffer> {
  const blobs = Array.from({ length: 3 }, () => ({
    y: random.uniform() * height,
    x: random.uniform() * width,
    colour: Array.from({ length: channels }, () => 255 * random.uniform()),
  }));
  return Uint8Array.from({ length: height * width * channels }, (_, i) => {
    const [y, x] = [Math.floor(i / channels / width), Math.floor(i / channels) % width];
    const value = blobs.reduce((sum, blob) => {
      const squared = (y - blob.y) ** 2 + (x - blob.x) ** 2;
      return sum + blob.colour[i % channels]! / (1 + squared / 9);
    }, 0);
    return Math.min(255, value);
  });
}

function joined(rows: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(rows.flatMap((row) => Array.from(row)));
}

describe("search among images", () => {
  const cases = fc.record({
    shape: shapes,
    rowCount: fc.integer({ min: 1, max: 150 }),
    k: fc.integer({ min: 1, max: MAX_NEIGHBOURS }),
    seed: fc.nat(),
    excluded: fc.boolean(),
    kind: fc.constantFrom("blobs", "noise", "two values"),
  });

  test("finds what a scan of whole rows finds: the same rows, the same distances, ties included", () => {
    fc.assert(
      fc.property(cases, ({ shape, rowCount, k, seed, excluded, kind }) => {
        const random = createRandom(seed);
        const length = sizeOf(shape);
        const draw = () =>
          kind === "blobs"
            ? drawImage(shape, random)
            : Uint8Array.from({ length }, () =>
                kind === "noise" ? random.below(256) : 255 * random.below(2),
              );
        const rows = Array.from({ length: rowCount }, draw);
        // Ties, and a row that is the query.
        if (rowCount > 2) rows[rowCount - 1] = rows[0]!;
        const { image, plain } = scansOf(shape, joined(rows));
        const exclude = excluded ? random.below(rowCount) : -1;
        for (const query of [draw(), rows[0]!]) {
          expect(image.search(query, k, exclude)).toEqual(plain.search(query, k, exclude));
        }
      }),
      { numRuns: 60 },
    );
  });

  test("rows far from the query, in both directions, do not overflow", () => {
    const shape = [64, 64, 3] as const;
    const length = sizeOf(shape);
    const { image, plain } = scansOf(
      shape,
      joined([new Uint8Array(length).fill(255), new Uint8Array(length)]),
    );
    for (const value of [0, 255]) {
      const query = new Uint8Array(length).fill(value);
      expect(image.search(query, 2)).toEqual(plain.search(query, 2));
    }
  });

  test("is for images of uint8 that are neither tiny nor huge", () => {
    const spec = (dtype: "uint8" | "float32", shape: readonly number[]) => ({ dtype, rowCount: 1, shape });
    expect(isPoolable(spec("uint8", [28, 28, 1]))).toBe(true);
    expect(isPoolable(spec("uint8", [128, 128, 3]))).toBe(true);
    expect(isPoolable(spec("uint8", [7, 28, 1]))).toBe(false);
    expect(isPoolable(spec("uint8", [784]))).toBe(false);
    expect(isPoolable(spec("float32", [28, 28, 1]))).toBe(false);
    expect(isPoolable(spec("uint8", [512, 512, 3]))).toBe(false);
  });
});

test("60,000 images of 784 bytes take less than one and a half times what they are", () => {
  const { memoryBytes } = createImageScan(kernels, { dtype: "uint8", rowCount: 60_000, shape: [28, 28, 1] });
  expect(memoryBytes).toBeLessThan(1.5 * 60_000 * 784);
});

describe("aligned distances", () => {
  test("are what the fit leaves, in the fourth power, in the position that correlates most", () => {
    fc.assert(
      fc.property(shapes, fc.nat(), (shape, seed) => {
        const random = createRandom(seed);
        const rows = Array.from({ length: 12 }, () => drawImage(shape, random));
        const query = drawImage(shape, random);
        const found = scansOf(shape, joined(rows)).image.alignedDistances!(query);
        const expected = rows.map((row) => alignedDistance(query, row, shape)).sort((a, b) => a - b);
        expect(found).toHaveLength(rows.length);
        // The kernel's sums are float32.
        for (const [i, distance] of expected.entries()) expect(found[i]).toBeCloseTo(distance, 3);
      }),
      { numRuns: 20 },
    );
  });

  test("see through brightness, contrast, blur and a move by a pixel", () => {
    const shape = [20, 24, 1] as const;
    const random = createRandom(4);
    const rows = Array.from({ length: 30 }, () => drawImage(shape, random).map((value) => value & ~15));
    const { image } = scansOf(shape, joined(rows));
    const original = rows[7]!;
    const [, width] = shape;
    const at = (y: number, x: number) => original[(y * width + x + original.length) % original.length]!;
    const altered = {
      "of half the contrast": original.map((value) => value / 2 + 40),
      "moved right": moved(original, shape, [0, -1]),
      "moved left": moved(original, shape, [0, 1]),
      "moved up": moved(original, shape, [1, 0]),
      "moved down": moved(original, shape, [-1, 0]),
      blurred: original.map((_, i) => {
        const [y, x] = [Math.floor(i / width), i % width];
        let sum = 0;
        for (const up of [-1, 0, 1]) for (const left of [-1, 0, 1]) sum += at(y + up, x + left);
        return Math.round(sum / 9);
      }),
    };
    for (const [what, query] of Object.entries(altered)) {
      const distances = image.alignedDistances!(query);
      // To the original a rounding is left (of a blur more, as its share is held back), to any other image much more.
      expect.soft(distances[0], what).toBeLessThan(what === "blurred" ? distances[1]! / 2 : 0.6 / 255);
      expect.soft(distances[1], what).toBeGreaterThan(4 / 255);
    }
  });

  test("count identical rows once, and leave out the excluded one", () => {
    const shape = [12, 12, 1] as const;
    const random = createRandom(5);
    const rows = Array.from({ length: 10 }, () => drawImage(shape, random));
    const { image } = scansOf(shape, joined([...rows, rows[3]!, rows[3]!]));
    const distances = image.alignedDistances!(rows[3]!);
    expect(distances).toHaveLength(10);
    expect(Array.from(distances.subarray(0, 2), (distance) => distance === 0)).toEqual([true, false]);
    expect(image.alignedDistances!(rows[4]!, 4)).toHaveLength(9);
    expect(image.alignedDistances!(rows[4]!, 4)[0]).toBeGreaterThan(0);
  });
});

/** By definition, in float64. */
function alignedDistance(query: Uint8Array, row: Uint8Array, shape: Shape): number {
  const scores = POSITIONS.map((position) =>
    correlation(halved(moved(query, shape, position), shape), halved(row, shape)),
  );
  const best = scores.indexOf(Math.max(...scores));
  const [height, width, channels] = shape;
  const target = moved(query, shape, POSITIONS[best]!);
  const [x, soft, wanted]: number[][] = [[], [], []];
  for (let i = 0; i < row.length; i++) {
    const [y, column] = [Math.floor(i / channels / width), Math.floor(i / channels) % width];
    if (y === 0 || column === 0 || y === height - 1 || column === width - 1) continue;
    let sum = 0;
    for (const up of [-1, 0, 1])
      for (const left of [-1, 0, 1]) sum += row[i + (up * width + left) * channels]!;
    x!.push(row[i]!);
    soft!.push(sum / 9);
    wanted!.push(target[i]!);
  }
  const [xs, softs, targets] = [x!, soft!, wanted!].map(centred) as [number[], number[], number[]];
  // What of the blur and of the target is no multiple of the image; the blur's share of that is held back by a ridge.
  const [restOfSoft, restOfTarget] = [without(softs, xs), without(targets, xs)];
  const share =
    product(restOfTarget, restOfSoft) / (product(restOfSoft, restOfSoft) + 0.1 * product(softs, softs));
  const residual = restOfTarget.map((value, i) => value - share * restOfSoft[i]!);
  return (residual.reduce((sum, value) => sum + value ** 4, 0) / residual.length) ** 0.25 / 255;
}

function moved(
  image: Uint8Array,
  [height, width, channels]: Shape,
  [down, right]: readonly [number, number],
) {
  const inside = (value: number, size: number) => Math.min(Math.max(value, 0), size - 1);
  return image.map((_, i) => {
    const y = inside(Math.floor(i / channels / width) + down, height);
    const x = inside((Math.floor(i / channels) % width) + right, width);
    return image[(y * width + x) * channels + (i % channels)]!;
  });
}

/** Rounded means over 2×2 pixels; black lies beyond the edges. */
function halved(image: Uint8Array, [height, width, channels]: Shape): number[] {
  const cells: number[] = [];
  for (let y = 0; y < height; y += 2) {
    for (let x = 0; x < width; x += 2) {
      for (let channel = 0; channel < channels; channel++) {
        let sum = 0;
        for (const [down, right] of [
          [0, 0],
          [0, 1],
          [1, 0],
          [1, 1],
        ] as const) {
          if (y + down < height && x + right < width) {
            sum += image[((y + down) * width + x + right) * channels + channel]!;
          }
        }
        cells.push(Math.floor((sum + 2) / 4));
      }
    }
  }
  return cells;
}

function centred(values: readonly number[]): number[] {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return values.map((value) => value - mean);
}

function product(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0);
}

function without(values: readonly number[], direction: readonly number[]): number[] {
  const share = product(values, direction) / product(direction, direction);
  return values.map((value, i) => value - share * direction[i]!);
}

function correlation(a: readonly number[], b: readonly number[]): number {
  const [x, y] = [centred(a), centred(b)];
  return product(x, y) / Math.sqrt(product(x, x) * product(y, y));
}
