/**
 * `npm run bench -- data`: how fast pictures become training rows, decoded and from the cache. A tar archive of JPEGs
 * that the benchmark makes; the whole of `loadDataset` counts, from the path to the parts.
 */

import { createWriteStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import sharp from "sharp";
import { pack } from "tar-stream";
import { createRandom } from "../shared/random.ts";
import { loadDataset } from "../trainer/data/index.ts";
import { type Benchmark, type BenchmarkRow, interquartileRange, median } from "./row.ts";

const ROUNDS = 5;
const SIZE = [32, 32] as const;
/** Different pictures; the archives repeat them. */
const PICTURES = 100;
const CASES = [
  { name: "data/decode-images-per-second", width: 32, height: 32, count: 5_000 },
  { name: "data/decode-photos-per-second", width: 1024, height: 768, count: 200 },
];
const CACHED = { name: "data/images-per-second-from-cache", width: 32, height: 32, count: 50_000 };

export const benchData: Benchmark = async (report) => {
  const folder = await mkdtemp(join(tmpdir(), "imle-data-bench-"));
  const archive = join(folder, "pictures.tar");
  const load = async (cacheFolder: string) => {
    const start = performance.now();
    await loadDataset({ path: archive, seed: 1, size: SIZE, cacheFolder: join(folder, cacheFolder) });
    return (performance.now() - start) / 1000;
  };
  const rows: BenchmarkRow[] = [];
  try {
    for (const { name, width, height, count } of CASES) {
      report(`${name}: ${count.toLocaleString("en")} JPEGs of ${width}×${height}, to ${SIZE.join("×")}`);
      await writeArchive(archive, width, height, count);
      const rates: number[] = [];
      for (let round = 0; round < ROUNDS; round++) rates.push(count / (await load(`${count}-${round}`)));
      rows.push(rowOf(name, rates));
    }
    const { name, width, height, count } = CACHED;
    report(`${name}: ${count.toLocaleString("en")} pictures of ${width}×${height}, decoded once`);
    await writeArchive(archive, width, height, count);
    await load("cached");
    const rates: number[] = [];
    for (let round = 0; round < ROUNDS; round++) rates.push(count / (await load("cached")));
    rows.push(rowOf(name, rates));
  } finally {
    await rm(folder, { recursive: true });
  }
  return rows;
};

function rowOf(name: string, rates: readonly number[]): BenchmarkRow {
  return {
    name,
    value: median(rates),
    unit: "images/s",
    spread: interquartileRange(rates),
    peer: null,
    peerValue: null,
    ratio: null,
  };
}

/** JPEGs of smooth random colours with some grain, as photographs have both. */
async function writeArchive(path: string, width: number, height: number, count: number): Promise<void> {
  const random = createRandom(1);
  const pictures: Buffer[] = [];
  for (let i = 0; i < PICTURES; i++) {
    const coarse = Uint8Array.from({ length: 8 * 6 * 3 }, () => random.below(256));
    const smooth = await sharp(coarse, { raw: { width: 8, height: 6, channels: 3 } })
      .resize(width, height, { fit: "fill", kernel: "cubic" })
      .raw()
      .toBuffer();
    const grainy = smooth.map((value) => Math.min(255, Math.max(0, value + random.below(17) - 8)));
    pictures.push(
      await sharp(grainy, { raw: { width, height, channels: 3 } })
        .jpeg({ quality: 90 })
        .toBuffer(),
    );
  }
  const archive = pack();
  for (let i = 0; i < count; i++) archive.entry({ name: `${i}.jpg` }, pictures[i % PICTURES]!);
  archive.finalize();
  await pipeline(Readable.from(archive as AsyncIterable<unknown>), createWriteStream(path));
}
