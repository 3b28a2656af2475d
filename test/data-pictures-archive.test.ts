import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  allRows,
  folder,
  headerClaiming,
  load,
  loadAndListen,
  numbered,
  pixelsOf,
  png,
  refuses,
  root,
  tarOf,
  tarOfFiles,
  write,
} from "./picture-folder.ts";

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
