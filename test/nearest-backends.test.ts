/** Every search over training rows, against a scan of whole rows. */

import { beforeAll, describe, expect, test } from "vitest";
import { createImageScan } from "../shared/image-scan.ts";
import { createIndexedSearch } from "../shared/indexed-search.ts";
import type { NeighbourSearch } from "../shared/neighbour-scan.ts";
import { createPlainScan } from "../shared/plain-scan.ts";
import { createPrincipalIndex } from "../shared/principal-index.ts";
import { createRandom } from "../shared/random.ts";
import { createRowReader, PAGE_HASH_BYTES, pageHash, type RowPage, rowPages } from "../shared/row-pages.ts";
import { openTrainingSearch } from "../shared/training-search.ts";
import { createVectorIndex, vectorId, vectorsOf } from "../shared/vector-index.ts";
import { glyphs } from "../trainer/data/glyphs.ts";
import { scanKernels } from "../trainer/engine/kernels.ts";
import { createOnnxEngine } from "../trainer/engine/onnx-engine.ts";
import { principalRows } from "../trainer/export/principal-rows.ts";
import { simulateVectorize } from "./simulated-vectorize.ts";

const kernels = scanKernels();
const { train, heldOut, shape } = glyphs.create(3, { train: 3000, heldOut: 60, test: 0 });
const values = train.values as Uint8Array<ArrayBuffer>;
const { count: rowCount, length: rowLength } = train;
const spec = { dtype: "uint8" as const, rowCount, shape };

/** Two shards, the last pages of both shorter than the rest. */
const neighbours = {
  dtype: "uint8" as const,
  metric: "l2" as const,
  rowCount,
  rowLength,
  shards: [
    { file: "train.0.bin", rowCount: 2005 },
    { file: "train.1.bin", rowCount: 995 },
  ],
  labelsFile: null,
  index: null,
};
const PAGE_ROWS = 10;

const QUERIES = 60;

/** As a storage has them; counts what is read. */
async function pagedRows(damage: (page: RowPage, bytes: Uint8Array<ArrayBuffer>) => void = () => {}) {
  const pages = rowPages(neighbours, PAGE_ROWS);
  const bytesOf = ({ file, offset, length }: RowPage) => {
    const start = file === "train.0.bin" ? 0 : 2005 * rowLength;
    return values.slice(start + offset, start + offset + length);
  };
  const hashes = new Uint8Array(pages.length * PAGE_HASH_BYTES);
  for (const [i, page] of pages.entries()) hashes.set(await pageHash(bytesOf(page)), i * PAGE_HASH_BYTES);
  const read: RowPage[] = [];
  const reader = createRowReader({
    name: "paged",
    neighbours,
    pageRows: PAGE_ROWS,
    hashes,
    cacheBytes: 5 * PAGE_ROWS * rowLength,
    async readPage(page) {
      read.push(page);
      const bytes = bytesOf(page);
      damage(page, bytes);
      return bytes;
    },
  });
  return { reader, read };
}

async function principalIndex() {
  const engine = createOnnxEngine();
  const index = createPrincipalIndex(kernels.principal, rowCount, shape);
  index.bytes.set(await principalRows(engine, values, rowLength));
  await engine.dispose();
  return index;
}

function scanned(scan: ReturnType<typeof createPlainScan>) {
  scan.rows.set(values);
  return scan;
}

interface Backend {
  readonly open: () => Promise<NeighbourSearch>;
  /** The least share of queries whose nearest row is found. */
  readonly recallAt1: number;
}

const BACKENDS: Record<string, Backend> = {
  "scan of whole rows": {
    open: async () => scanned(createPlainScan(kernels.scan, spec)),
    recallAt1: 1,
  },
  "scan of images": { open: async () => scanned(createImageScan(kernels, spec)), recallAt1: 1 },
  "index of principal directions, rows read by pages": {
    open: async () =>
      createIndexedSearch({
        ...spec,
        kernels,
        aligns: true,
        index: await principalIndex(),
        reader: (await pagedRows()).reader,
      }),
    recallAt1: 0.99,
  },
  "Vectorize (simulated), rows read by pages": {
    async open() {
      const database = await filledVectorize();
      database.process();
      const index = createVectorIndex(database, kernels.pooled, rowCount, shape, "v1");
      return createIndexedSearch({
        ...spec,
        kernels,
        aligns: true,
        index,
        reader: (await pagedRows()).reader,
      });
    },
    recallAt1: 0.99,
  },
};

/** All vectors stored and visible. */
async function filledVectorize() {
  const database = simulateVectorize(196);
  const vectors = vectorsOf(kernels.pooled, values, shape);
  const stored = vectors.map((vector, row) => ({ id: vectorId("v1", row), namespace: "v1", values: vector }));
  for (let first = 0; first < stored.length; first += 1000)
    await database.upsert(stored.slice(first, first + 1000));
  return database;
}

const oracle = scanned(createPlainScan(kernels.scan, spec));
const query = (i: number) =>
  heldOut.values.slice(i * rowLength, (i + 1) * rowLength) as Uint8Array<ArrayBuffer>;

describe.each(Object.entries(BACKENDS))("%s", (_, { open, recallAt1 }) => {
  let search: NeighbourSearch;
  beforeAll(async () => {
    search = await open();
  });

  test("finds the nearest rows, with exact distances, in order", async () => {
    let found = 0;
    for (let i = 0; i < QUERIES; i++) {
      const { indices, distances } = (await search.around(query(i), 5)).search(query(i), 5);
      const truth = oracle.search(query(i), rowCount < 50 ? rowCount : 50);
      if (indices[0] === truth.indices[0]) found++;
      expect([...distances]).toEqual([...distances].sort((a, b) => a - b));
      for (const [at, index] of indices.entries()) {
        const row = oracle.row(index);
        const squared = query(i).reduce((sum, value, j) => sum + (value - row[j]!) ** 2, 0);
        expect(distances[at]).toBe(Math.sqrt(squared) / 255);
      }
    }
    expect(found / QUERIES).toBeGreaterThanOrEqual(recallAt1);
  });

  test("finds a training example itself, and without it the next", async () => {
    for (const row of [0, 1234, 2004, 2005, 2999]) {
      const example = await search.row(row);
      expect(example).toEqual(oracle.row(row));
      const own = (await search.around(example, 1)).search(example, 1);
      expect([...own.indices, ...own.distances]).toEqual([row, 0]);
      const other = (await search.around(example, 1, row)).search(example, 1, row);
      expect(other).toEqual(oracle.search(example, 1, row));
    }
  });

  test("gives as many as are asked for, the first of them whatever their number", async () => {
    const few = (await search.around(query(7), 3)).search(query(7), 3);
    const many = (await search.around(query(7), 50)).search(query(7), 50);
    expect(many.indices).toHaveLength(50);
    expect(many.indices.subarray(0, 3)).toEqual(few.indices);
  });

  test("aligned distances don't depend on how many nearest are asked for", async () => {
    if (search.alignedNeighbourhood === 0) return;
    const [few, many] = await Promise.all([1, 50].map((k) => search.around(query(9), k)));
    expect(few!.alignedDistances!(query(9))).toEqual(many!.alignedDistances!(query(9)));
    const images = scanned(createImageScan(kernels, spec));
    expect(few!.alignedDistances!(query(9))[0]).toBe(images.alignedDistances!(query(9))[0]);
  });

  test("refuses what can't be searched", async () => {
    const refused = async (...parameters: Parameters<NeighbourSearch["around"]>) => {
      const nearby = await search.around(...parameters);
      return nearby.search(parameters[0], parameters[1]);
    };
    await expect(refused(new Uint8Array(5), 1)).rejects.toThrow("expected 784 uint8 numbers, got 5");
    await expect(refused(query(0), 51)).rejects.toThrow("expected k from 1 to 50, got 51");
  });

  test("takes less memory than an isolate has", () => {
    expect(search.memoryBytes).toBeLessThan(128e6);
  });
});

test("vectors that aren't visible yet make no verdict: the search says so", async () => {
  const database = await filledVectorize();
  const index = createVectorIndex(database, kernels.pooled, rowCount, shape, "v1");
  const ask = () => index.candidates(query(0), { nearest: 16, similar: 8 });
  await expect(ask()).rejects.toThrow("Vectorize: 0 of 16 vectors of version v1 visible. Try again soon");
  database.process();
  expect((await ask()).nearest).toHaveLength(16);
});

describe("pages of rows", () => {
  test("are read once while they are remembered, and of the rest no more than is needed", async () => {
    const { reader, read } = await pagedRows();
    expect(await reader.read([3, 7, 2005])).toEqual([3, 7, 2005].map((row) => oracle.row(row)));
    expect(read.map(({ file, offset }) => `${file} ${offset / rowLength}`)).toEqual([
      "train.0.bin 0",
      "train.1.bin 0",
    ]);
    await reader.read([9]);
    expect(read).toHaveLength(2);
    await reader.read([100, 200, 300, 400, 500]);
    await reader.read([9]);
    expect(read).toHaveLength(8);
  });

  test("stay apart while many are read at once", async () => {
    const { reader } = await pagedRows();
    const groups = Array.from({ length: 20 }, (_, i) =>
      Array.from({ length: 12 }, (_, j) => (i * 997 + j * 251) % 3000),
    );
    const found = await Promise.all(groups.map((rows) => reader.read(rows)));
    expect(found).toEqual(groups.map((rows) => rows.map((row) => oracle.row(row))));
  });

  test("that were altered are refused by name, and read again the next time", async () => {
    let isDamaged = true;
    const { reader } = await pagedRows((_, bytes) => {
      if (isDamaged) bytes[5]! ^= 1;
    });
    await expect(reader.read([2005])).rejects.toThrow("paged/train.1.bin: the rows at 0 were altered");
    isDamaged = false;
    expect(await reader.read([2005])).toEqual([oracle.row(2005)]);
  });
});

test("few images, smaller than the directions are many, of odd sides and of one colour are found by the index", async () => {
  const [count, odd] = [40, [9, 11, 1]];
  const length = 99;
  const random = createRandom(5);
  const images = Uint8Array.from({ length: count * length }, () => random.below(256));
  images.fill(7, 0, length);
  const engine = createOnnxEngine();
  const index = createPrincipalIndex(kernels.principal, count, odd);
  index.bytes.set(await principalRows(engine, images, length));
  await engine.dispose();
  for (let i = 0; i < count; i++) {
    const image = images.slice(i * length, (i + 1) * length);
    const { nearest, similar } = await index.candidates(image, { nearest: 3, similar: 3 });
    expect(nearest[0]).toBe(i);
    if (i > 0) expect(similar[0]).toBe(i);
    expect((await index.candidates(image, { nearest: 3, similar: 3 }, i)).nearest).not.toContain(i);
  }
});

test("an index of means, as format 3 had it, is refused by name", async () => {
  const recall = { at1: 1, queries: 0 };
  const index = { kind: "pooled", files: ["index.0.bin"], pageRows: 10, pagesFile: "pages", recall } as const;
  const readWhole = async () => new Uint8Array();
  const files = { readFile: readWhole, readInto: async () => {}, readPage: readWhole };
  const output = {
    kind: "image" as const,
    shape: [28, 28, 1] as [number, number, 1],
    range: [0, 1] as [0, 1],
  };
  const manifest = {
    name: "old",
    version: "v1",
    output,
    neighbours: { ...neighbours, index: { ...index, files: [...index.files] } },
  };
  await expect(openTrainingSearch(manifest, files, kernels, null)).rejects.toThrow(
    "old/manifest.json: an index of means, which isn't searched any more. Export the model again.",
  );
});

test("200,000 images are indexed in less than a fifth of an isolate, whatever their size", () => {
  expect(createPrincipalIndex(kernels.principal, 200_000, [28, 28, 1]).memoryBytes).toBeLessThan(25e6);
  expect(createPrincipalIndex(kernels.principal, 200_000, [32, 32, 3]).memoryBytes).toBeLessThan(25e6);
});
