import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { loadDataset } from "../trainer/data/index.ts";
import {
  cacheFolder,
  folder,
  load,
  loadAndListen,
  numbered,
  png,
  tarOfFiles,
  write,
} from "./picture-folder.ts";

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
