import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { zipSync } from "fflate";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { encodeNpy, type NpyValues } from "../shared/npy.ts";
import type { Dataset, Rows } from "../trainer/data/dataset.ts";
import { FILE_SOURCES, loadDataset } from "../trainer/data/index.ts";
import { InputError } from "../trainer/input-error.ts";

const root = mkdtempSync(join(tmpdir(), "imle-data-"));
afterAll(() => rmSync(root, { recursive: true }));

let folder: string;
let folders = 0;
beforeEach(() => {
  folder = join(root, `set-${folders++}`);
  mkdirSync(folder);
});

function write(files: Record<string, Uint8Array | string>): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
}

function load(name = "", seed = 1): Promise<Dataset> {
  return loadDataset({ path: join(folder, name), seed });
}

/** Loading must fail with one line that names the place and matches. */
async function refuses(message: RegExp, name = ""): Promise<void> {
  const error = await load(name).then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(InputError);
  expect((error as Error).message).toMatch(message);
  expect((error as Error).message).toContain(folder);
  expect((error as Error).message).not.toContain("\n");
}

function rowOf(rows: Rows, row: number): number[] {
  return [...rows.values.subarray(row * rows.length, (row + 1) * rows.length)];
}

/** [count, height, width] pixels where pixel i of image n is (7n + i) mod 256. */
function idxImages(count: number, height = 2, width = 3): Buffer {
  const header = Buffer.alloc(16);
  header.writeUInt32BE(0x803, 0);
  for (const [i, size] of [count, height, width].entries()) header.writeUInt32BE(size, 4 + 4 * i);
  const pixels = Uint8Array.from(
    { length: count * height * width },
    (_, i) => 7 * Math.floor(i / (height * width)) + (i % (height * width)),
  );
  return Buffer.concat([header, pixels]);
}

/** Label n is n mod 3. */
function idxLabels(count: number): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt32BE(0x801, 0);
  header.writeUInt32BE(count, 4);
  return Buffer.concat([header, Uint8Array.from({ length: count }, (_, i) => i % 3)]);
}

describe("the registry", () => {
  test("a missing path, an empty folder and foreign files are refused, and what would fit is told", async () => {
    await refuses(/no such file or folder/, "nowhere");
    await refuses(/the folder is empty.*IDX.*CIFAR-10.*\.npy.*\.csv/);
    write({ "notes.txt": "hello" });
    await refuses(/the folder holds notes\.txt.*IDX/);
    await refuses(/no data set found/, "notes.txt");
  });

  test("every source tells what it expects and detects nothing in a foreign folder", async () => {
    write({ "notes.txt": "hello" });
    for (const source of FILE_SOURCES) {
      expect(source.expects).not.toBe("");
      expect(await source.detect(folder)).toBe(false);
      expect(await source.detect(join(folder, "notes.txt"))).toBe(false);
    }
  });
});

describe("IDX", () => {
  const good = {
    "train-images-idx3-ubyte": idxImages(24),
    "train-labels-idx1-ubyte": idxLabels(24),
    "t10k-images-idx3-ubyte": idxImages(6),
    "t10k-labels-idx1-ubyte": idxLabels(6),
  };

  test.each(["plain", "gzipped"])("%s: pixels, labels and the split", async (how) => {
    for (const [name, bytes] of Object.entries(good)) {
      write(how === "plain" ? { [name]: bytes } : { [`${name}.gz`]: gzipSync(bytes) });
    }
    const dataset = await load();
    expect(dataset).toMatchObject({
      name: `set-${folders - 1}`,
      kind: "image",
      shape: [2, 3, 1],
      labelNames: ["0", "1", "2"],
      modes: null,
    });
    expect([dataset.train.count, dataset.heldOut.count, dataset.test!.count]).toEqual([20, 4, 6]);
    expect(rowOf(dataset.train, 1)).toEqual([7, 8, 9, 10, 11, 12]);
    expect(rowOf(dataset.heldOut, 0)).toEqual([140, 141, 142, 143, 144, 145]);
    expect([...dataset.heldOut.labels!]).toEqual([2, 0, 1, 2]);
    expect([...dataset.test!.labels!]).toEqual([0, 1, 2, 0, 1, 2]);
    // The file itself does as well, with what stands beside it.
    const byFile = await load(`train-images-idx3-ubyte${how === "plain" ? "" : ".gz"}`);
    expect(byFile.train).toEqual(dataset.train);
    expect(byFile.test).toEqual(dataset.test);
  });

  test("the test part may be called test, the set have a name, and labels be absent", async () => {
    write({ "emnist-train-images-idx3-ubyte": idxImages(12), "emnist-test-images-idx3-ubyte": idxImages(3) });
    const dataset = await load();
    expect([dataset.train.count, dataset.heldOut.count, dataset.test!.count]).toEqual([10, 2, 3]);
    expect(dataset.labelNames).toBeNull();
    expect(dataset.train.labels).toBeNull();
  });

  test("a single file of any name is known by its magic number", async () => {
    write({ "digits.bin": idxImages(5) });
    const dataset = await load("digits.bin");
    expect(dataset.name).toBe("digits");
    expect([dataset.train.count, dataset.heldOut.count, dataset.test]).toEqual([5, 0, null]);
  });

  test.each(Object.keys(good))("without %s", async (missing) => {
    write(good);
    rmSync(join(folder, missing));
    await refuses(new RegExp(`no ${missing} or ${missing}\\.gz; the folder holds t.*-ubyte`));
  });

  test("several training parts in one folder", async () => {
    write({ "a-train-images-idx3-ubyte": idxImages(12), "b-train-images-idx3-ubyte": idxImages(12) });
    await refuses(/several training parts \(a-train, b-train\)/);
    expect((await load("b-train-images-idx3-ubyte")).train.count).toBe(10);
  });

  const inPlace = "train-images-idx3-ubyte";
  test("truncated", async () => {
    write({ ...good, [inPlace]: idxImages(24).subarray(0, 100) });
    await refuses(/train-images-idx3-ubyte: truncated: declares 24 images of 2×3 = 144 bytes, has 84\./);
    write({ [inPlace]: idxImages(24).subarray(0, 9) });
    await refuses(/train-images-idx3-ubyte: truncated: ends inside its header/);
    write({ ...good, "t10k-labels-idx1-ubyte": idxLabels(6).subarray(0, 10) });
    await refuses(/t10k-labels-idx1-ubyte: truncated: declares 6 labels = 6 bytes, has 2\./);
  });

  test("any truncation of a gzipped file", async () => {
    const whole = gzipSync(idxImages(200, 9, 9));
    for (const length of [1, 2, 5, 11, 60, Math.floor(whole.length / 2), whole.length - 9]) {
      write({ [`${inPlace}.gz`]: whole.subarray(0, length) });
      await refuses(/train-images-idx3-ubyte\.gz: (truncated|empty|no IDX file|damaged)/);
    }
  });

  test("longer than declared", async () => {
    write({ [inPlace]: Buffer.concat([idxImages(24), Buffer.from([0])]) });
    await refuses(/declares 24 images of 2×3 = 144 bytes, but has more/);
  });

  test("a header that claims more than there is takes no memory", async () => {
    const forged = idxImages(1);
    forged.writeUInt32BE(0xffffffff, 4);
    write({ [inPlace]: forged });
    await refuses(/4294967295 images of 2×3 = 25769803770 bytes; at most/);
    forged.writeUInt32BE(500_000_000, 4);
    write({ [inPlace]: forged });
    await refuses(/truncated: .* = 3000000000 bytes, has 6\./);
    rmSync(join(folder, inPlace));
    write({ [`${inPlace}.gz`]: gzipSync(forged) });
    await refuses(/truncated: .* = 3000000000 bytes, has at most/);
  });

  test("a gzip bomb is read no further than declared", async () => {
    write({ [`${inPlace}.gz`]: gzipSync(Buffer.concat([idxImages(24), Buffer.alloc(50_000_000)])) });
    await refuses(/144 bytes, but has more/);
  });

  test("mislabelled, foreign, empty, damaged", async () => {
    write({ ...good, [inPlace]: idxLabels(24) });
    await refuses(/train-images-idx3-ubyte: mislabelled: named as images .*but holds labels \(00 00 08 01\)/);
    write({ ...good, "train-labels-idx1-ubyte": idxImages(24) });
    await refuses(/train-labels-idx1-ubyte: mislabelled: named as labels .*but holds images \(00 00 08 03\)/);
    write({ ...good, [inPlace]: Buffer.from("\x89PNG\r\n\x1a\n", "latin1") });
    await refuses(/no IDX file of images: starts with 89 50 4e 47, expected 00 00 08 03/);
    write({ ...good, [inPlace]: Buffer.alloc(0) });
    await refuses(/train-images-idx3-ubyte: empty/);
    write({ ...good, [inPlace]: idxImages(0) });
    await refuses(/declares 0 images of 2×3: empty/);
    const damaged = gzipSync(idxImages(200, 9, 9));
    damaged.fill(0xff, 20, 40);
    rmSync(join(folder, inPlace));
    write({ [`${inPlace}.gz`]: damaged });
    await refuses(/train-images-idx3-ubyte\.gz: damaged gzip data/);
  });

  test("parts that don't belong together", async () => {
    write({ ...good, "train-labels-idx1-ubyte": idxLabels(23) });
    await refuses(/train-labels-idx1-ubyte: 23 labels for 24 images in train-images-idx3-ubyte/);
    write({ ...good, "t10k-images-idx3-ubyte": idxImages(6, 3, 2) });
    await refuses(/t10k-images-idx3-ubyte: images of 3×2, but the training images are 2×3/);
  });

  test("too few to train on", async () => {
    write({ [inPlace]: idxImages(2) });
    await refuses(/2 examples, expected at least 3/);
    write({ [inPlace]: idxImages(3) });
    expect((await load()).train.count).toBe(3);
  });
});

const mnist = join(import.meta.dirname, "../../shared/data/mnist");
test.skipIf(!existsSync(mnist))(
  "IDX: MNIST itself (skipped where ../shared/data/mnist is absent)",
  async () => {
    const dataset = await loadDataset({ path: mnist, seed: 1 });
    expect(dataset.name).toBe("mnist");
    expect(dataset.shape).toEqual([28, 28, 1]);
    expect(dataset.labelNames).toEqual([..."0123456789"]);
    const { train, heldOut } = dataset;
    const tested = dataset.test!;
    expect([train.count, heldOut.count, tested.count]).toEqual([50_000, 10_000, 10_000]);
    // The sums of the unpacked files, so every pixel and label is in its place.
    const header = (name: string, bytes: number) =>
      gunzipSync(readFileSync(join(mnist, name))).subarray(0, bytes);
    const md5 = (...parts: (Uint8Array | Float32Array)[]) => {
      const hash = createHash("md5");
      for (const part of parts) hash.update(part);
      return hash.digest("hex");
    };
    const trainImages = header("train-images-idx3-ubyte.gz", 16);
    expect(md5(trainImages, train.values, heldOut.values)).toBe("6bbc9ace898e44ae57da46a324031adb");
    const trainLabels = header("train-labels-idx1-ubyte.gz", 8);
    expect(md5(trainLabels, Uint8Array.from(train.labels!), Uint8Array.from(heldOut.labels!))).toBe(
      "a25bea736e30d166cdddb491f175f624",
    );
    expect(md5(header("t10k-images-idx3-ubyte.gz", 16), tested.values)).toBe(
      "2646ac647ad5339dbf082846283269ea",
    );
    expect([...train.labels!.subarray(0, 6)]).toEqual([5, 0, 4, 1, 9, 2]);
  },
);

describe("CIFAR-10 binary", () => {
  /** Record n has label n mod 10; its red plane is 1, its green 2, its blue 3, its first red pixel n. */
  function records(count: number): Buffer {
    const bytes = Buffer.alloc(count * 3073);
    for (let n = 0; n < count; n++) {
      const record = bytes.subarray(n * 3073, (n + 1) * 3073);
      record[0] = n % 10;
      for (const plane of [0, 1, 2]) record.fill(plane + 1, 1 + plane * 1024, 1 + (plane + 1) * 1024);
      record[1] = n;
    }
    return bytes;
  }
  const good = {
    "data_batch_1.bin": records(8),
    "data_batch_2.bin": records(10),
    "test_batch.bin": records(3),
    "batches.meta.txt": "airplane\n",
  };

  test("interleaves the planes, joins the batches and keeps the last sixth out", async () => {
    write(good);
    const dataset = await load();
    expect(dataset.shape).toEqual([32, 32, 3]);
    expect(dataset.labelNames).toHaveLength(10);
    expect(dataset.labelNames![9]).toBe("truck");
    expect([dataset.train.count, dataset.heldOut.count, dataset.test!.count]).toEqual([15, 3, 3]);
    expect(rowOf(dataset.train, 4).slice(0, 6)).toEqual([4, 2, 3, 1, 2, 3]);
    expect([...dataset.heldOut.labels!]).toEqual([7, 8, 9]);
    const single = await load("data_batch_1.bin");
    expect([single.train.count, single.heldOut.count, single.test!.count]).toEqual([7, 1, 3]);
  });

  test("missing, truncated, empty and mislabelled files", async () => {
    write(good);
    rmSync(join(folder, "data_batch_1.bin"));
    await refuses(/no data_batch_1\.bin; the folder holds batches\.meta\.txt, data_batch_2\.bin/);
    write({ ...good, "data_batch_1.bin": records(8).subarray(0, 7000) });
    await refuses(/data_batch_1\.bin: truncated: 7000 bytes are 2 records of 3073 and 854 bytes more/);
    write({ ...good, "test_batch.bin": "" });
    await refuses(/test_batch\.bin: empty/);
    const wrong = records(8);
    wrong[3 * 3073] = 77;
    write({ ...good, "data_batch_1.bin": wrong });
    await refuses(/data_batch_1\.bin: record 3 has label 77, expected 0 to 9/);
  });
});

describe("NumPy", () => {
  const npy = (shape: number[], values: NpyValues) => encodeNpy({ shape, values });

  test("[n, d] floats are vectors; a seed's shuffle, then the split", async () => {
    const values = Float64Array.from({ length: 240 }, (_, i) => i / 2);
    write({ "points.npy": npy([120, 2], values) });
    const dataset = await load("points.npy");
    expect(dataset).toMatchObject({ name: "points", kind: "vector", shape: [2], labelNames: null });
    expect([dataset.train.count, dataset.heldOut.count, dataset.test!.count]).toEqual([90, 18, 12]);
    const all = [dataset.train, dataset.heldOut, dataset.test!].flatMap((part) => [...part.values]);
    expect(all).not.toEqual([...values]);
    expect(all.sort((a, b) => a - b)).toEqual([...values]);
    expect(await load("", 1)).toEqual({ ...dataset, name: `set-${folders - 1}` });
    expect((await load("points.npy", 2)).train.values).not.toEqual(dataset.train.values);
  });

  test("the parts are disjoint and complete for every size", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 40 }), async (count) => {
        write({
          "x.npy": npy(
            [count],
            Int32Array.from({ length: count }, (_, i) => i),
          ),
        });
        if (count < 3) return refuses(/expected at least 3/, "x.npy");
        const { train, heldOut, test: tested, shape } = await load("x.npy");
        expect(shape).toEqual([1]);
        const seen = [train, heldOut, tested].flatMap((part) => (part ? [...part.values] : []));
        expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, i) => i));
        expect(tested?.count ?? 0).toBe(Math.floor(count / 10));
        expect(heldOut.count).toBe(Math.floor((count - Math.floor(count / 10)) / 6));
      }),
    );
  });

  test.each([
    ["uint8", Uint8Array.of(0, 127, 255, 1)],
    ["float32 in [0, 1]", Float32Array.of(0, 0.498, 1, 0.0041)],
    ["float64 in [0, 1]", Float64Array.of(0, 0.498, 1, 0.0041)],
    ["int64 in 0 … 255", BigInt64Array.of(0n, 127n, 255n, 1n)],
  ])("[n, h, w] of %s are images", async (_, pixels) => {
    write({ "x.npy": npy([4, 1, 1], pixels) });
    const { kind, shape, train } = await load("x.npy");
    expect([kind, shape]).toEqual(["image", [1, 1, 1]]);
    expect(train.values).toBeInstanceOf(Uint8Array);
    expect([...train.values].sort((a, b) => a - b)).toEqual([0, 1, 127, 255]);
  });

  test("an .npz with labels keeps them with their rows", async () => {
    const x = Uint8Array.from({ length: 30 * 12 }, (_, i) => Math.floor(i / 12));
    const y = BigInt64Array.from({ length: 30 }, (_, i) => BigInt(i % 5));
    const foreign = Buffer.from("pickled, and nobody asks for it");
    write({
      "set.npz": zipSync({
        "images.npy": npy([30, 2, 2, 3], x),
        "labels.npy": npy([30], y),
        "about.npy": foreign,
      }),
    });
    const dataset = await load("set.npz");
    expect(dataset).toMatchObject({ name: "set", shape: [2, 2, 3], labelNames: [..."01234"] });
    for (const part of [dataset.train, dataset.heldOut, dataset.test!]) {
      for (let row = 0; row < part.count; row++) expect(part.labels![row]).toBe(rowOf(part, row)[0]! % 5);
    }
  });

  test("Keras's x_train, y_train, x_test, y_test: its test part is the test part", async () => {
    const image = (count: number) =>
      npy(
        [count, 1, 2],
        new Uint8Array(count * 2).map((_, i) => i),
      );
    const label = (count: number) => npy([count], new Uint8Array(count));
    write({
      "k.npz": zipSync({
        "x_train.npy": image(12),
        "y_train.npy": label(12),
        "x_test.npy": image(2),
        "y_test.npy": label(2),
      }),
    });
    const { train, heldOut, test: tested } = await load("k.npz");
    expect([train.count, heldOut.count, tested!.count]).toEqual([10, 2, 2]);
    expect([...tested!.values]).toEqual([0, 1, 2, 3]);
  });

  test.each([
    [
      "floats out of range",
      npy([3, 1, 1], Float32Array.of(0, 0.5, 1.5)),
      /image 2 holds 1\.5, expected floats from 0 to 1/,
    ],
    ["NaN pixels", npy([3, 1, 1], Float32Array.of(0, Number.NaN, 1)), /image 1 holds NaN/],
    [
      "ints out of range",
      npy([3, 1, 1], Int32Array.of(0, -1, 1)),
      /image 1 holds -1, expected whole numbers from 0 to 255/,
    ],
    [
      "infinite vectors",
      npy([3, 1], Float64Array.of(0, 1, 1e300)),
      /row 2 holds 1e\+300, expected finite float32/,
    ],
    ["two channels", npy([3, 1, 1, 2], new Uint8Array(6)), /expected 1 or 3 channels.*Got 2/],
    ["a scalar", npy([], new Uint8Array(1)), /shape \(\), expected \[n, d\]/],
    ["five dimensions", npy([1, 1, 1, 1, 1], new Uint8Array(1)), /expected \[n, d\] for vectors/],
    ["no rows", npy([0, 4], new Float32Array(0)), /shape \(0, 4\) holds no numbers: empty/],
    [
      "truncated",
      npy([3, 1], new Float32Array(3)).subarray(0, 130),
      /x\.npy: shape \(3, 1\) of <f4 is 12 bytes, but 2 follow/,
    ],
    ["no .npy", Buffer.from("hello"), /does not start with \\x93NUMPY/],
    ["empty", Buffer.alloc(0), /x\.npy: empty/],
  ])("%s", async (_, bytes, message) => {
    write({ "x.npy": bytes });
    await refuses(message, "x.npy");
  });

  test("archives that are damaged, foreign or lie", async () => {
    const x = npy([100, 2, 2], new Uint8Array(400));
    const good = zipSync({ "x.npy": x });
    for (const length of [0, 3, 30, good.length - 30, good.length - 1]) {
      write({ "x.npz": good.subarray(0, length) });
      await refuses(/x\.npz: (empty|no \.npz archive, or damaged or truncated)/, "x.npz");
    }
    write({ "x.npz": zipSync({ "weights.npy": x }) });
    await refuses(/no array named x_train, x, images, data, arr_0; it holds weights\.npy/, "x.npz");
    write({ "x.npz": zipSync({ "x.npy": x, "y.npy": npy([99], new Uint8Array(99)) }) });
    await refuses(/y: shape \(99\), expected one label for each of 100 rows/, "x.npz");
    write({ "x.npz": zipSync({ "x.npy": x, "y.npy": npy([100], new Float32Array(100)) }) });
    await refuses(/y: floats, expected whole numbers/, "x.npz");
    const forged = Buffer.from(good);
    const directory = forged.lastIndexOf("PK\x01\x02", undefined, "latin1");
    forged.writeUInt32LE(0x7fffffff, directory + 24); // the uncompressed size that the directory tells
    write({ "x.npz": forged });
    await refuses(/x\.npy declares 2147483647 bytes, more than its \d+ stored ones can hold/, "x.npz");
  });

  test.each([0, 6] as const)("no changed bit of an archive, at level %i, changes the data", async (level) => {
    const x = npy(
      [20, 2, 2],
      Uint8Array.from({ length: 80 }, (_, i) => i),
    );
    const good = zipSync({ "x.npy": x }, { level });
    write({ "x.npz": good });
    const expected = await load("x.npz");
    let refused = 0;
    for (let bit = 0; bit < 8 * good.length; bit += 7) {
      const altered = Buffer.from(good);
      altered[bit >> 3]! ^= 1 << (bit & 7);
      write({ "x.npz": altered });
      // What neither says nor holds a number, a date say, may differ.
      const found = await load("x.npz").catch((error: Error) => error);
      if (found instanceof InputError) refused++;
      else expect(found, `bit ${bit}`).toEqual(expected);
    }
    expect(refused).toBeGreaterThan(x.length / 2);
  });

  test("a folder with several files is ambiguous", async () => {
    write({ "a.npy": npy([3], new Float32Array(3)), "b.npy": npy([3], new Float32Array(3)) });
    await refuses(/several data files \(a\.npy, b\.npy\)/);
  });
});

describe("CSV", () => {
  const lines = (count: number, line: (i: number) => string) =>
    Array.from({ length: count }, (_, i) => line(i)).join("\n");

  test.each([
    ["bare", lines(20, (i) => `${i},${-i}.5e-1`)],
    [
      "with names, a byte-order mark and Windows line ends",
      `\ufeffa,"b, c"\r\n${lines(20, (i) => `${i}, ${-i}.5e-1`)}\r\n\r\n`,
    ],
    ["semicolons", lines(20, (i) => `${i};${-i}.5e-1`)],
    ["tabs", lines(20, (i) => `${i}\t${-i}.5e-1`)],
  ])("%s", async (_, text) => {
    write({ "t.csv": text });
    const dataset = await load("t.csv");
    expect(dataset).toMatchObject({ name: "t", kind: "vector", shape: [2], labelNames: null });
    expect([dataset.train.count, dataset.heldOut.count, dataset.test!.count]).toEqual([15, 3, 2]);
    for (let row = 0; row < dataset.train.count; row++) {
      const [first, second] = rowOf(dataset.train, row);
      expect(second).toBe(Math.fround(Number(`${-first!}.5e-1`)));
    }
  });

  test.each([
    ["", /t\.csv: empty/],
    ["a,b\n", /t\.csv: empty/],
    ["1,2\n3,x\n5,6", /line 2, column 2: "x" is no number/],
    ["a,b\n1,2\n3,\n", /line 3, column 2 \(b\): "" is no number/],
    ["1,2\n3,4\n5", /line 3 has 1 columns, expected 2/],
    ["1,2\n3,1e99\n", /line 2, column 2: "1e99" is no number \(of float32\)/],
    ["1,2\n3,0x10\n", /"0x10" is no number/],
    ['1,2\n"3,4\n', /t\.csv: .*quote/i],
    ["1,2\n3,4\n", /2 examples, expected at least 3/],
  ])("%j is refused", async (text, message) => {
    write({ "t.csv": text });
    await refuses(message);
  });
});
