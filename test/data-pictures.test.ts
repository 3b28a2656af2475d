import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { extract, pack } from "tar-stream";
import { describe, expect, test } from "vitest";
import type { Dataset } from "../trainer/data/dataset.ts";
import { layOut } from "../trainer/data/pictures/layout.ts";
import { createPictureRows } from "../trainer/data/pictures/rows.ts";
import {
  allRows,
  claimingSize,
  flat,
  folder,
  load,
  loadAndListen,
  numbered,
  pixelsOf,
  png,
  refuses,
  root,
  rowOf,
  sets,
  write,
} from "./picture-folder.ts";

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
