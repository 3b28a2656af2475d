import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import sharp, { type Sharp } from "sharp";
import { extract, type Header, pack } from "tar-stream";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { createRandom } from "../shared/random.ts";
import type { Dataset, Rows } from "../trainer/data/dataset.ts";
import { type DatasetRequest, loadDataset } from "../trainer/data/index.ts";
import { createDecoder, UnusablePicture } from "../trainer/data/pictures/decode.ts";
import { inParallel } from "../trainer/data/pictures/in-parallel.ts";
import { layOut, pictureName } from "../trainer/data/pictures/layout.ts";
import { createPictureRows } from "../trainer/data/pictures/rows.ts";
import { InputError } from "../trainer/input-error.ts";

const root = mkdtempSync(join(tmpdir(), "imle-pictures-"));
afterAll(() => rmSync(root, { recursive: true }));

let folder: string;
let cacheFolder: string;
let sets = 0;
beforeEach(() => {
  folder = join(root, `set-${sets++}`);
  cacheFolder = join(folder, "..", `cache-${sets}`);
  mkdirSync(folder);
});

type Files = Readonly<Record<string, Uint8Array | string>>;

function write(files: Files): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
}

interface Note {
  readonly event: string;
  readonly text: string;
  readonly fields: Readonly<Record<string, unknown>> | undefined;
}

/** Loads and keeps what was told. */
async function loadAndListen(
  options: Partial<DatasetRequest> = {},
  name = "",
): Promise<{ dataset: Dataset; notes: Note[]; work: [string, number, number][] }> {
  const notes: Note[] = [];
  const work: [string, number, number][] = [];
  const dataset = await loadDataset({
    path: join(folder, name),
    seed: 1,
    cacheFolder,
    reporter: {
      note: (event, text, fields) => notes.push({ event, text, fields }),
      working: (...told) => work.push(told),
    },
    ...options,
  });
  return { dataset, notes, work };
}

async function load(options: Partial<DatasetRequest> = {}, name = ""): Promise<Dataset> {
  return (await loadAndListen(options, name)).dataset;
}

/** Loading must fail with one line that names the place and matches. */
async function refuses(message: RegExp, options: Partial<DatasetRequest> = {}, name = ""): Promise<void> {
  const error = await load(options, name).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(InputError);
  expect((error as Error).message).toMatch(message);
  expect((error as Error).message).toContain(folder);
  expect((error as Error).message).not.toContain("\n");
}

function rowOf(rows: Rows, row: number): number[] {
  return [...rows.values.subarray(row * rows.length, (row + 1) * rows.length)];
}

/** Every row of every part, in ascending order of their text, with its label. */
function allRows({ train, heldOut, test: tested }: Dataset): string[] {
  return [train, heldOut, tested]
    .flatMap((part) =>
      part ? Array.from({ length: part.count }, (_, i) => `${rowOf(part, i)} ${part.labels?.[i]}`) : [],
    )
    .sort();
}

function pixelsOf(width: number, height: number, channels: number, seed: number): Buffer {
  const random = createRandom(seed);
  return Buffer.from(Array.from({ length: width * height * channels }, () => random.below(256)));
}

/** A lossless file of random pixels. */
async function png(seed: number, width = 4, height = 4, channels: 1 | 2 | 3 | 4 = 3): Promise<Buffer> {
  const file = sharp(pixelsOf(width, height, channels, seed), { raw: { width, height, channels } });
  return (channels < 3 ? file.toColourspace("b-w") : file).png().toBuffer();
}

/** One flat colour. */
function flat(
  colour: { r: number; g: number; b: number; alpha?: number },
  { width = 4, height = 4 } = {},
): Sharp {
  const channels = colour.alpha === undefined ? 3 : 4;
  return sharp({ create: { width, height, channels, background: colour } });
}

/** `a.png`, `b.png`, … of 4×4 random pixels. */
async function numbered(count: number, prefix = ""): Promise<Record<string, Buffer>> {
  const files: Record<string, Buffer> = {};
  for (let i = 0; i < count; i++) files[`${prefix}${String.fromCharCode(97 + i)}.png`] = await png(i);
  return files;
}

async function tarOf(
  entries: readonly [Partial<Header> & { name: string }, (Uint8Array | string)?][],
): Promise<Buffer> {
  const archive = pack();
  for (const [header, content] of entries) archive.entry(header, content ?? "");
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

const tarOfFiles = (files: Files, prefix = "") =>
  tarOf(Object.entries(files).map(([name, content]) => [{ name: prefix + name }, content]));

/** A tar header that claims so many bytes, below 2^33. */
async function headerClaiming(name: string, bytes: number): Promise<Buffer> {
  const header = Buffer.from((await tarOf([[{ name }]])).subarray(0, 512));
  header.write(bytes.toString(8).padStart(11, "0"), 124, "latin1");
  header.fill(" ", 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return header;
}

describe("the layout", () => {
  const classesOf = (...names: string[]) => layOut(names).classes;
  const partsOf = (...names: string[]) => layOut(names).pictures.map(({ name, part }) => `${part} ${name}`);

  test("a subfolder is a class, what lies deeper belongs to it, and labels go by sorted names", () => {
    const names = ["dog/a.png", "cat/x/y/b.png", "cat/a.png"];
    expect(layOut(names)).toEqual({
      classes: ["cat", "dog"],
      pictures: [
        { name: "cat/a.png", part: "train", label: 0 },
        { name: "cat/x/y/b.png", part: "train", label: 0 },
        { name: "dog/a.png", part: "train", label: 1 },
      ],
    });
    expect(layOut([...names].reverse())).toEqual(layOut(names));
  });

  test("no classes: a flat folder, one folder only, or pictures beside the folders", () => {
    expect(classesOf("a.png", "b.png")).toBeNull();
    expect(classesOf("cat/a.png", "cat/b.png")).toBeNull();
    expect(classesOf("a.png", "cat/a.png", "dog/a.png")).toBeNull();
    expect(classesOf("train/a.png", "test/a.png")).toBeNull();
  });

  test("train, validation and test folders are the parts", () => {
    expect(
      partsOf("Train/cat/a.png", "train/dog/a.png", "val/cat/a.png", "test/cat/a.png", "valid/dog/b.png"),
    ).toEqual([
      "train Train/cat/a.png",
      "train train/dog/a.png",
      "heldOut val/cat/a.png",
      "heldOut valid/dog/b.png",
      "test test/cat/a.png",
    ]);
    expect(classesOf("train/cat/a.png", "train/dog/a.png", "test/eel/a.png")).toEqual(["cat", "dog", "eel"]);
  });

  test("but not beside other folders, or without one to train on", () => {
    expect(classesOf("train/a.png", "test/a.png", "other/a.png")).toEqual(["other", "test", "train"]);
    expect(classesOf("val/a.png", "test/a.png")).toEqual(["test", "val"]);
  });

  test("folders that everything lies in are no classes", () => {
    expect(classesOf("x/y/cat/a.png", "x/y/dog/a.png")).toEqual(["cat", "dog"]);
    expect(partsOf("x/test/cat/a.png", "x/train/cat/a.png")).toEqual([
      "train x/train/cat/a.png",
      "test x/test/cat/a.png",
    ]);
    expect(classesOf("train/cat/a.png", "train/dog/a.png")).toEqual(["cat", "dog"]);
  });

  test("names of pictures", () => {
    expect(["a.png", "./b/C.JPG", "/d.jpeg", "e//f.webp"].map(pictureName)).toEqual([
      "a.png",
      "b/C.JPG",
      "d.jpeg",
      "e/f.webp",
    ]);
    for (const name of ["a.txt", "png", "a.png/", "a.png.zip", "._a.png", "__MACOSX/._a.png", ".git/a.png"]) {
      expect(pictureName(name === "a.png/" ? "a.png/b" : name)).toBeNull();
    }
    for (const name of ["../a.png", "x/../../a.png", "/../etc/a.png"]) expect(pictureName(name)).toBeNull();
  });
});

describe("a folder", () => {
  test("its pixels, labels and split; the seed shuffles", async () => {
    const files = { ...(await numbered(20, "cat/")), ...(await numbered(20, "dog/")) };
    write({ ...files, "about.txt": "hello", "cat/._a.png": "resource fork" });
    const dataset = await load();
    expect(dataset).toMatchObject({
      name: `set-${sets - 1}`,
      kind: "image",
      shape: [4, 4, 3],
      labelNames: ["cat", "dog"],
      modes: null,
    });
    expect([dataset.train.count, dataset.heldOut.count, dataset.test!.count]).toEqual([30, 6, 4]);
    const expected = Object.keys(files).map(
      (name, i) => `${[...pixelsOf(4, 4, 3, i % 20)]} ${name < "d" ? 0 : 1}`,
    );
    expect(allRows(dataset)).toEqual(expected.sort());
    expect(await load()).toEqual(dataset);
    const other = await load({ seed: 2 });
    expect(allRows(other)).toEqual(allRows(dataset));
    expect(other.train.values).not.toEqual(dataset.train.values);
  });

  test("parts of its own", async () => {
    write({
      ...(await numbered(6, "train/x/")),
      ...(await numbered(2, "val/x/")),
      ...(await numbered(3, "test/y/")),
    });
    const { train, heldOut, test: tested, labelNames } = await load();
    expect([train.count, heldOut.count, tested!.count]).toEqual([6, 2, 3]);
    expect(labelNames).toEqual(["x", "y"]);
    expect([...train.labels!, ...heldOut.labels!]).toEqual(Array(8).fill(0));
    expect([...tested!.labels!]).toEqual([1, 1, 1]);
    const inTest = [0, 1, 2].map((row) => String(rowOf(tested!, row)));
    expect(inTest.sort()).toEqual([0, 1, 2].map((seed) => String([...pixelsOf(4, 4, 3, seed)])).sort());
    rmSync(join(folder, "val"), { recursive: true });
    const withoutVal = await load();
    expect([withoutVal.train.count, withoutVal.heldOut.count, withoutVal.test!.count]).toEqual([5, 1, 3]);
  });

  test("links are followed, but not in circles, and may lead nowhere", async () => {
    const elsewhere = join(root, "elsewhere");
    mkdirSync(elsewhere, { recursive: true });
    for (const [name, bytes] of Object.entries(await numbered(4)))
      writeFileSync(join(elsewhere, name), bytes);
    write({ "dog/z.png": await png(9) });
    symlinkSync(elsewhere, join(folder, "cat"));
    symlinkSync(folder, join(folder, "dog", "round"));
    symlinkSync(join(elsewhere, "a.png"), join(folder, "dog", "y.png"));
    symlinkSync(join(root, "nowhere.png"), join(folder, "dog", "gone.png"));
    const dataset = await load();
    expect(dataset.labelNames).toEqual(["cat", "dog"]);
    expect(allRows(dataset)).toHaveLength(6);
  });

  test("without pictures, or with too few", async () => {
    mkdirSync(join(folder, "cat"));
    await refuses(
      /no data set found \(the folder holds cat\).*a folder of PNG, JPEG or WebP pictures.*\.tar/,
    );
    write({ "cat/a.png": await png(1), "cat/b.png": await png(2) });
    await refuses(/2 examples, expected at least 3/);
  });

  test("more than fits into memory is refused at the first picture", () => {
    const rows = createPictureRows(1_000_000, "photos");
    const picture = { width: 64, height: 64, pixels: pixelsOf(64, 64, 3, 1) };
    expect(() => rows.place(0, "a.png", picture)).toThrow(
      /^photos: 1,000,000 pictures of 64×64×3 are 12,288,000,000 bytes, at most 4,294,967,296.*--set data\.size=32/,
    );
  });
});

describe("an archive", () => {
  test.each([
    ["x.tar", ""],
    ["x.tar", "./"],
    ["x.tar.gz", "some/where/"],
    ["x.tgz", "/"],
  ])("%s of names after %j holds what its folder does", async (file, prefix) => {
    const name = fc.stringMatching(/^[a-z]{1,3}$/);
    const path = fc.oneof(
      name.map((leaf) => `${leaf}.png`),
      fc.tuple(fc.constantFrom("cat", "dog", "Émile"), name).map(([top, leaf]) => `${top}/${leaf}.png`),
      fc
        .tuple(fc.constantFrom("train", "test"), fc.constantFrom("cat", "dog"), name)
        .map(([part, top, leaf]) => `${part}/${top}/${leaf}.PNG`),
    );
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(path, { minLength: 8, maxLength: 14 }), async (drawn) => {
        rmSync(folder, { recursive: true });
        // Enough to train on, whatever is drawn.
        const paths = [...drawn, ...["1", "2", "3"].map((leaf) => `train/cat/${leaf}.png`)];
        const files = Object.fromEntries(
          await Promise.all(paths.map(async (p, i) => [p, await png(i)] as const)),
        );
        for (const [p, bytes] of Object.entries(files)) {
          mkdirSync(dirname(join(folder, "it", p)), { recursive: true });
          writeFileSync(join(folder, "it", p), bytes);
        }
        const tar = await tarOfFiles(files, prefix);
        writeFileSync(join(folder, file), file.endsWith("gz") ? gzipSync(tar) : tar);
        const { train, heldOut, test: tested, ...about } = await load({}, "it");
        expect(await load({}, file)).toEqual({ ...about, name: "x", train, heldOut, test: tested });
      }),
      { numRuns: 5 },
    );
  });

  test("a folder that holds one will do, and its name is no matter to gzip", async () => {
    const tar = await tarOfFiles(await numbered(6));
    write({ "a.tar": gzipSync(tar) });
    expect((await load()).train.count).toBe(5);
    write({ "b.tgz": tar });
    await refuses(/several data files \(a\.tar, b\.tgz\)/);
    expect((await load({}, "b.tgz")).train.count).toBe(5);
  });

  test("only regular files are read, names lead nowhere, and of one name the last counts", async () => {
    const good = await numbered(6, "in/");
    const tar = await tarOf([
      [{ name: "in/a.png" }, await png(77)],
      ...Object.entries(good).map(([name, bytes]): [{ name: string }, Buffer] => [{ name }, bytes]),
      [{ name: "../../escaped.png" }, await png(1)],
      [{ name: "/../escaped.png" }, await png(1)],
      [{ name: "in/dir.png", type: "directory" }],
      [{ name: "in/link.png", type: "symlink", linkname: "/etc/passwd" }],
      [{ name: "in/hard.png", type: "link", linkname: "in/a.png" }],
      [{ name: "in/pipe.png", type: "fifo" }],
      [{ name: "in/device.png", type: "character-device", devmajor: 1, devminor: 5 }],
      [{ name: "in/notes.txt" }, "hello"],
    ]);
    write({ "x.tar": tar });
    const before = [readdirSync(root), readdirSync(folder)];
    const { dataset, notes } = await loadAndListen({ strict: true }, "x.tar");
    expect(allRows(dataset)).toEqual(
      Array.from({ length: 6 }, (_, i) => `${[...pixelsOf(4, 4, 3, i)]} undefined`).sort(),
    );
    expect(notes.map(({ event }) => event)).not.toContain("skipped");
    expect([readdirSync(root).filter((name) => !name.startsWith("cache-")), readdirSync(folder)]).toEqual([
      before[0]!.filter((name) => !name.startsWith("cache-")),
      before[1],
    ]);
  });

  test("truncated, damaged, foreign or empty", async () => {
    const tar = await tarOfFiles(await numbered(6));
    // Whole blocks less than the header and pixels of the last picture, and the end marks.
    for (const length of [100, 600, tar.length - 1024 - 100, 5000]) {
      write({ "x.tar": tar.subarray(0, length) });
      await refuses(
        /x\.tar: no tar archive, or damaged or truncated \(Unexpected end of data\)/,
        {},
        "x.tar",
      );
    }
    const zipped = gzipSync(tar);
    for (const length of [12, 200, Math.floor(zipped.length / 2), zipped.length - 9]) {
      write({ "x.tgz": zipped.subarray(0, length) });
      await refuses(/x\.tgz: truncated: the gzip data end early/, {}, "x.tgz");
    }
    const damaged = Buffer.from(zipped);
    damaged.fill(0xff, 20, 60);
    write({ "x.tgz": damaged });
    await refuses(/x\.tgz: (damaged gzip data|no tar archive)/, {}, "x.tgz");
    const wrong = Buffer.from(tar);
    wrong[3]! ^= 1;
    for (const bytes of [wrong, Buffer.alloc(2000, "hello ")]) {
      write({ "x.tar": bytes });
      await refuses(/x\.tar: no tar archive, or damaged or truncated \(Invalid tar header/, {}, "x.tar");
    }
    for (const bytes of [Buffer.alloc(0), Buffer.alloc(1024), await tarOf([[{ name: "a.txt" }, "hello"]])]) {
      write({ "x.tar": bytes });
      await refuses(/x\.tar: holds no PNG, JPEG or WebP pictures, but [01] other entries/, {}, "x.tar");
    }
  });

  test("an entry that claims to be absurdly large takes no memory and is skipped", async () => {
    const small = await tarOfFiles(await numbered(6));
    write({ "x.tar": Buffer.concat([await headerClaiming("big.png", 2 ** 33 - 1), small]) });
    await refuses(/x\.tar: no tar archive, or damaged or truncated \(Unexpected end of data\)/, {}, "x.tar");
    const large = Buffer.alloc(2 ** 27 + 512);
    const tar = await tarOf([[{ name: "large.png" }, large]]);
    write({ "x.tar": Buffer.concat([tar.subarray(0, tar.length - 1024), small]) });
    const { dataset, notes } = await loadAndListen({}, "x.tar");
    expect(dataset.train.count).toBe(5);
    expect(notes.find(({ event }) => event === "skipped")!.text).toContain(
      "large.png (134218240 bytes, at most 134217728 are read)",
    );
  });

  test("a gzip bomb is left when it shows", async () => {
    const zeros = gzipSync(Buffer.alloc(2 ** 24));
    const header = gzipSync(await headerClaiming("bomb.png", 2 ** 33 - 1));
    write({ "x.tgz": Buffer.concat([header, ...Array<Buffer>(17).fill(zeros)]) });
    await refuses(
      /x\.tgz: \d+ bytes that unpack to more than 268435456: no archive of pictures/,
      {},
      "x.tgz",
    );
  });

  test("names can't talk to the terminal", async () => {
    write({ "x.tar": await tarOfFiles({ ...(await numbered(6)), "\u001b[2Jb\n.png": "no picture" }) });
    const { notes } = await loadAndListen({}, "x.tar");
    expect(notes.find(({ event }) => event === "skipped")!.text).toContain("�[2Jb�.png (no PNG");
  });
});

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

/** The PNG with other sizes in its header, whose checksum is right. */
function claimingSize(file: Buffer, width: number, height: number): Buffer {
  const forged = Buffer.from(file);
  forged.writeUInt32BE(width, 16);
  forged.writeUInt32BE(height, 20);
  // gzip's own checksum is PNG's, and little-endian.
  forged.writeUInt32BE(
    gzipSync(forged.subarray(12, 29)).readUInt32LE(gzipSync(forged.subarray(12, 29)).length - 8),
    29,
  );
  return forged;
}

describe("sizes and channels", () => {
  const grey = (value: number) => flat({ r: value, g: value, b: value });

  test("as they are, where all are alike; else they say which differ and what to set", async () => {
    write({ ...(await numbered(5)), "wide.png": await png(1, 6, 4) });
    await refuses(/[a-e]\.png has 4×4 pixels, wide\.png 6×4|wide\.png has 6×4 pixels, [a-e]\.png 4×4/);
    await refuses(/--set data\.size=32/);
    const dataset = await load({ size: [8, 8] });
    expect([dataset.shape, dataset.train.count]).toEqual([[8, 8, 3], 5]);
  });

  test("grey pictures take one channel, whatever they are stored as, and keep every value", async () => {
    for (let value = 0; value < 256; value += 5) {
      const file = value % 2 ? grey(value).png() : grey(value).toColourspace("b-w").png();
      write({ [`${value}.png`]: await file.toBuffer() });
    }
    const { shape, ...parts } = await load();
    expect(shape).toEqual([4, 4, 1]);
    const values = (dataset: Dataset) =>
      allRows(dataset)
        .map((row) => Number.parseInt(row, 10))
        .sort((a, b) => a - b);
    const expected = Array.from({ length: 52 }, (_, i) => 5 * i);
    expect(values({ shape, ...parts })).toEqual(expected);
    expect(values(await load({ channels: "grey" }))).toEqual(expected);
    const rgb = await load({ channels: "rgb" });
    expect([rgb.shape, values(rgb)]).toEqual([[4, 4, 3], expected]);
  });

  test("one coloured picture makes all of them RGB, wherever it comes; grey can be asked for", async () => {
    for (const coloured of ["0.png", "5.png", "9.png"]) {
      for (let i = 0; i < 10; i++)
        write({
          [`${i}.png`]: await grey(10 * i)
            .png()
            .toBuffer(),
        });
      write({ [coloured]: await flat({ r: 200, g: 100, b: 50 }).png().toBuffer() });
      const { shape, ...parts } = await load();
      expect(shape).toEqual([4, 4, 3]);
      const rows = allRows({ shape, ...parts });
      for (let i = 0; i < 10; i++) {
        const pixel = `${i}.png` === coloured ? [200, 100, 50] : [10 * i, 10 * i, 10 * i];
        expect(rows).toContain(`${Array(16).fill(pixel).flat()} undefined`);
      }
      // 0.299 · 200 + 0.587 · 100 + 0.114 · 50
      expect(allRows(await load({ channels: "grey" }))).toContain(`${Array(16).fill(124)} undefined`);
    }
  });
});

describe("pictures that can't be decoded", () => {
  const unusable = { "m.png": "", "n.jpg": "no picture", "x/o.webp": Buffer.from([0xff, 0xd8, 0xff, 0xe0]) };

  test("are left out, counted and named", async () => {
    const good = await numbered(12);
    write({ ...good, ...unusable, "p.png": claimingSize(await png(1), 100_000, 100_000) });
    for (const how of [/12 decoded and kept in/, /12 from/]) {
      const { dataset, notes } = await loadAndListen();
      expect(allRows(dataset)).toEqual(
        Object.keys(good)
          .map((_, i) => `${[...pixelsOf(4, 4, 3, i)]} undefined`)
          .sort(),
      );
      const [pictures, skipped] = notes.filter(({ event }) => event !== "archive");
      expect(pictures).toMatchObject({ event: "pictures", fields: { count: 12 } });
      expect(pictures!.text).toMatch(how);
      expect(skipped!.text).toMatch(
        /skipped 4 of the pictures in .*: m\.png \(empty\), n\.jpg \(no PNG.*\), p\.png \(.*limit\) and 1 more; --strict/,
      );
      expect(skipped!.fields).toMatchObject({
        count: 4,
        skipped: [{ name: "m.png", reason: "empty" }, {}, {}, {}],
      });
    }
  });

  test("or an error, if asked for; decoded earlier or not", async () => {
    write({ ...(await numbered(12)), "m.png": "" });
    await refuses(/: m\.png \(empty\)\. Mend or remove it, or leave --strict out/, { strict: true });
    await load();
    await refuses(/: m\.png \(empty\)\. Mend or remove it/, { strict: true });
  });

  test("nothing but such", async () => {
    write(unusable);
    await refuses(/none of its 3 pictures can be decoded; m\.png \(empty\)/);
  });
});

describe("the cache", () => {
  const LONG_AGO = 1e9;
  function age(...names: string[]): void {
    for (const name of names) utimesSync(join(folder, name), LONG_AGO, LONG_AGO);
  }
  /** Other bytes in a file that looks unchanged. */
  function exchange(name: string, content: Uint8Array): void {
    const path = join(folder, name);
    const { size } = statSync(path);
    writeFileSync(path, Buffer.concat([content, Buffer.alloc(size)]).subarray(0, size));
    age(name);
  }
  const cacheFile = () => {
    const [name, ...others] = readdirSync(cacheFolder);
    expect(others).toEqual([]);
    return join(cacheFolder, name!);
  };

  test("is used as long as no file, and not how it is decoded, changes", async () => {
    write(await numbered(12, "cat/"));
    write(await numbered(12, "dog/"));
    age("cat/a.png");
    const { dataset, work } = await loadAndListen({ size: [5, 5] });
    expect(work.map(([what]) => what)).toEqual(Array(24).fill("decoding pictures"));
    expect(work.at(-1)).toEqual(["decoding pictures", 24, 24]);
    exchange("cat/a.png", Buffer.alloc(0));
    const again = await loadAndListen({ size: [5, 5] });
    expect(again.work).toEqual([]);
    expect(again.dataset).toEqual(dataset);
    expect((await load({ size: [5, 5], seed: 2 })).train.values).not.toEqual(dataset.train.values);

    const grey = await loadAndListen({ size: [5, 5], channels: "grey" });
    expect([grey.work, grey.dataset.shape]).toEqual([[], [5, 5, 1]]);
    expect((await loadAndListen({ size: [4, 4] })).work.length).toBe(24);
    write({ "cat/z.png": await png(5) });
    expect((await loadAndListen({ size: [5, 5] })).work.length).toBe(25);
    write({ "cat/a.png": await png(6) });
    expect((await loadAndListen({ size: [5, 5] })).work.length).toBe(25);
  });

  test("serves archives, too", async () => {
    write({ "x.tgz": gzipSync(await tarOfFiles(await numbered(12))) });
    age("x.tgz");
    const { dataset, work } = await loadAndListen({}, "x.tgz");
    expect(work.length).toBe(12);
    exchange("x.tgz", Buffer.alloc(0));
    const again = await loadAndListen({}, "x.tgz");
    expect([again.work, again.dataset]).toEqual([[], dataset]);
  });

  test("damaged anywhere, cut, longer or another file, it is made again", async () => {
    write(await numbered(12));
    const dataset = await load();
    const path = cacheFile();
    const good = readFileSync(path);
    const damages = fc.oneof(
      fc.tuple(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 })).map(([at, flip]) => {
        const damaged = Buffer.from(good);
        damaged[at]! ^= flip;
        return damaged;
      }),
      fc.nat(good.length - 1).map((length) => good.subarray(0, length)),
      fc.uint8Array({ maxLength: 200 }).map((more) => Buffer.concat([good, Buffer.from([1]), more])),
      fc.uint8Array({ maxLength: 200 }),
    );
    await fc.assert(
      fc.asyncProperty(damages, async (damaged) => {
        writeFileSync(path, damaged);
        const { dataset: rebuilt, work } = await loadAndListen();
        expect(work.length).toBe(12);
        expect(rebuilt).toEqual(dataset);
        expect(readFileSync(path)).toEqual(good);
      }),
      { numRuns: 25 },
    );
    // One of other pictures under this name.
    rmSync(cacheFolder, { recursive: true });
    await load({ size: [3, 3] });
    const other = cacheFile();
    writeFileSync(path, readFileSync(other));
    expect((await loadAndListen()).work.length).toBe(12);
  });

  test("can't be written: that is told, and the pictures are used", async () => {
    write(await numbered(12));
    writeFileSync(cacheFolder, "in the way");
    const { dataset, notes } = await loadAndListen();
    expect(dataset.train.count).toBe(10);
    expect(notes[0]!.text).toMatch(/12 decoded, but not kept \(E\w+/);
  });

  test("drops what wasn't used for longest above its limit, and nothing that isn't its own", async () => {
    write(await numbered(12));
    mkdirSync(cacheFolder);
    const sparse = (name: string, gibibytes: number, daysAgo: number) => {
      const path = join(cacheFolder, name);
      writeFileSync(path, "");
      truncateSync(path, gibibytes * 2 ** 30);
      const time = new Date(Date.now() - daysAgo * 86_400_000);
      utimesSync(path, time, time);
    };
    const [old, older, oldest] = ["1", "2", "3"].map((digit) => `${digit.repeat(32)}.pictures`);
    sparse(old!, 4, 1);
    sparse(oldest!, 1, 3);
    sparse(`${older}.123.tmp`, 6, 2);
    sparse("mine.pictures", 20, 9);
    await load();
    const kept = readdirSync(cacheFolder);
    expect(kept).toContain(old);
    expect(kept).toContain("mine.pictures");
    expect(kept).toHaveLength(3);
  });
});

test("aborted while it decodes, it ends with the signal's reason and leaves no file", async () => {
  write(await numbered(26));
  const abort = new AbortController();
  let done = 0;
  const loading = loadDataset({
    path: folder,
    seed: 1,
    cacheFolder,
    signal: abort.signal,
    reporter: { note() {}, working: () => (++done === 3 ? abort.abort() : undefined) },
  });
  const reason = await loading.catch((error: unknown) => error);
  expect(abort.signal.aborted).toBe(true);
  expect(reason).toBe(abort.signal.reason);
  expect(existsSync(cacheFolder)).toBe(false);
  expect(done).toBeLessThan(26);
});

describe("in parallel", () => {
  test("every item once, never more than the limit at a time", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(30), fc.integer({ min: 1, max: 9 }), async (count, limit) => {
        const seen: number[] = [];
        let underWay = 0;
        let most = 0;
        await inParallel(Array(count).keys(), limit, async (item) => {
          most = Math.max(most, ++underWay);
          await new Promise(setImmediate);
          seen.push(item);
          underWay--;
        });
        expect(seen.sort((a, b) => a - b)).toEqual([...Array(count).keys()]);
        expect(most).toBe(Math.min(count, limit));
      }),
    );
  });

  test("a failure is thrown after what is under way, and ends the source", async () => {
    let isClosed = false;
    let underWay = 0;
    async function* source() {
      try {
        for (let i = 0; ; i++) yield i;
      } finally {
        isClosed = true;
      }
    }
    const work = inParallel(source(), 4, async (item) => {
      underWay++;
      await new Promise((resolve) => setTimeout(resolve, item === 2 ? 1 : 20));
      underWay--;
      if (item === 2) throw new Error("two");
    });
    await expect(work).rejects.toThrow("two");
    expect([isClosed, underWay]).toEqual([true, 0]);
  });
});

const cifar10 = join(import.meta.dirname, "../../shared/data/cifar10-jpg.tar.gz");
test.skipIf(!existsSync(cifar10))(
  "CIFAR-10 as JPEGs: every name, and the first ten pictures of every folder (skipped where ../shared/data is absent)",
  async () => {
    const names: string[] = [];
    const small = pack();
    const chunks: Buffer[] = [];
    small.on("data", (chunk) => chunks.push(chunk as Buffer));
    const archive = extract();
    archive.end(gunzipSync(readFileSync(cifar10)));
    for await (const entry of archive) {
      const { name, size } = entry.header;
      if (name.endsWith(".jpg")) names.push(name);
      if (!/\/000\d\.jpg$/.test(name)) {
        entry.resume();
        continue;
      }
      const copy = small.entry({ name, size });
      for await (const chunk of entry) copy.write(chunk);
      copy.end(undefined);
      await once(copy, "finish");
    }
    small.finalize();
    await once(small, "end");

    const { pictures, classes } = layOut(names);
    const countOf = (wanted: string) => pictures.filter(({ part }) => part === wanted).length;
    expect(["train", "heldOut", "test"].map(countOf)).toEqual([50_000, 0, 10_000]);
    const classNames = "airplane automobile bird cat deer dog frog horse ship truck".split(" ");
    expect(classes).toEqual(classNames);

    write({ "cifar.tar": Buffer.concat(chunks) });
    const dataset = await load({ strict: true }, "cifar.tar");
    expect(dataset).toMatchObject({ name: "cifar", shape: [32, 32, 3], labelNames: classNames });
    expect([dataset.train.count, dataset.heldOut.count, dataset.test!.count]).toEqual([84, 16, 100]);
    const counts = Array(10).fill(0);
    for (const part of [dataset.train, dataset.heldOut]) for (const label of part.labels!) counts[label]++;
    expect(counts).toEqual(Array(10).fill(10));
    const testLabels = [...dataset.test!.labels!];
    expect(testLabels.toSorted()).toEqual(Array.from({ length: 100 }, (_, i) => Math.floor(i / 10)));
    // Not class by class: metrics take the first so many.
    expect(testLabels).not.toEqual(testLabels.toSorted());
  },
);
