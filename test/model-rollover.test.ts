/** Models that are replaced while they are served, that can't be read for a while, and that have no room together. */

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { checkBundles, readStored, storedFiles } from "../cli/assets.ts";
import { uploadVectors } from "../cli/vectors.ts";
import { createApp } from "../edge/app.ts";
import { loadWasmGenerator } from "../edge/generator-wasm.ts";
import type { ModelStorage } from "../edge/storage/storage.ts";
import { trainingBytes } from "../edge/training-examples.ts";
import { checkExample } from "../shared/memorisation-check.ts";
import type { VectorDatabase } from "../shared/vector-index.ts";
import { readMemorisationTest } from "../trainer/bundle-check.ts";
import { kernelModule, scanKernels } from "../trainer/engine/kernels.ts";
import { simulateVectorize } from "./simulated-vectorize.ts";
import { GREY, writeSmallBundle } from "./small-bundle.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "imle-edge-"));
  await writeSmallBundle(join(folder, "old"), { name: "grey", output: GREY });
  await writeSmallBundle(join(folder, "new"), { name: "grey", output: GREY, seed: 9 });
  await writeSmallBundle(join(folder, "other"), { name: "other", output: GREY, seed: 3 });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const generatorModule = kernelModule("generator");

/** A bucket of objects that can be replaced, and reads that can be held up or fail. */
let objects: Map<string, { bytes: Uint8Array<ArrayBuffer>; tag: string }>;
let reads: string[];
let isDown: (path: string) => boolean;
let held: Promise<void> | null;
beforeEach(() => {
  objects = new Map();
  reads = [];
  isDown = () => false;
  held = null;
});

let uploads = 0;
async function upload(...bundles: string[]): Promise<void> {
  for (const file of storedFiles(await checkBundles(bundles.map((bundle) => join(folder, bundle))))) {
    objects.set(file.path, { bytes: await readStored(file), tag: `${uploads++}` });
  }
}

function startApp({
  refreshMs = 0,
  memoryBytes = 2 ** 30,
  vectors = null,
}: {
  refreshMs?: number | null;
  memoryBytes?: number;
  vectors?: VectorDatabase | null;
} = {}) {
  const storage: ModelStorage = {
    refreshMs,
    async open(path, knownTag) {
      reads.push(path);
      if (isDown(path)) throw new Error("the network is down");
      const object = objects.get(path);
      if (object?.tag === knownTag) return new Response(null, { status: 304 });
      if (!path.endsWith(".json")) await held;
      return object
        ? new Response(object.bytes, { headers: { etag: object.tag } })
        : new Response(null, { status: 404 });
    },
    async openPage(path, { offset, length }) {
      reads.push(path);
      if (isDown(path)) throw new Error("the network is down");
      return new Response(objects.get(path)!.bytes.slice(offset, offset + length));
    },
  };
  const app = createApp({
    storage,
    memoryBytes,
    vectors,
    fetchAsset: async () => new Response(null, { status: 404 }),
    scanKernels: scanKernels(),
    loadGenerator: (manifest, read) => loadWasmGenerator(generatorModule, manifest, read),
    decodeJpeg: () => Promise.reject(new Error("no JPEGs here")),
  });
  const work: Promise<unknown>[] = [];
  const request = async (path: string, init?: RequestInit) =>
    app.request(path, init, { waitUntil: (promise: Promise<unknown>) => void work.push(promise) });
  return {
    request,
    nearest: (path = "/nearest") =>
      request(path, { method: "POST", headers: { "content-type": "application/json" }, body: '{"seed":1}' }),
    /** Until what requests left behind is done. */
    settle: () => Promise.allSettled(work),
  };
}

const versionOf = async (bundle: string) =>
  JSON.parse(await readFile(join(folder, bundle, "manifest.json"), "utf8")).version as string;

describe("a new version", () => {
  test("is served soon after its manifest is there, and no request fails on the way", async () => {
    await upload("old");
    const app = startApp();
    const before = await (await app.request("/sample?seed=1")).bytes();
    await upload("new");
    const statuses: number[] = [];
    for (let i = 0; i < 20; i++) {
      statuses.push((await app.request("/sample?seed=1")).status, (await app.nearest()).status);
      if (i === 10) await app.settle();
    }
    expect(statuses).toEqual(statuses.map(() => 200));
    const { model } = (await (await app.nearest()).json()) as { model: string };
    expect(model).toBe(`grey@${await versionOf("new")}`);
    expect(await (await app.request("/sample?seed=1")).bytes()).not.toEqual(before);
  });

  test("does not disturb requests that began on the old one", async () => {
    await upload("old");
    const app = startApp();
    let release = () => {};
    held = new Promise((resolve) => {
      release = resolve;
    });
    const early = app.nearest(); // waits for its rows
    await new Promise(setImmediate);
    await upload("new");
    const served = async () => (await (await app.request("/manifest.json")).json()) as { version: string };
    while ((await served()).version !== (await versionOf("new"))) await new Promise(setImmediate);
    release();
    expect(((await (await early).json()) as { model: string }).model).toBe(`grey@${await versionOf("old")}`);
    expect(((await (await app.nearest()).json()) as { model: string }).model).toBe(
      `grey@${await versionOf("new")}`,
    );
  });

  test("that can't be loaded does not replace one that can", async () => {
    await upload("old");
    const app = startApp();
    await app.request("/sample?seed=1");
    await upload("new");
    const broken = `grey/${await versionOf("new")}/weights.0.bin`;
    const { bytes, tag } = objects.get(broken)!;
    objects.set(broken, { bytes: bytes.slice(1), tag });
    for (let i = 0; i < 5; i++) {
      expect((await app.request("/sample?seed=1")).status).toBe(200);
      await app.settle();
    }
    objects.set(broken, { bytes, tag });
    await app.request("/sample?seed=1");
    await app.settle();
    expect((await app.request(`/sample?seed=1&v=${await versionOf("new")}`)).status).toBe(200);
  });

  test("is looked for only when the copy is old: never among static assets", async () => {
    await upload("old");
    const app = startApp({ refreshMs: null });
    await app.request("/sample?seed=1");
    const before = reads.length;
    await app.request("/sample?seed=1");
    expect(reads).toHaveLength(before);
  });

  test("is looked for once where files of the old one are gone", async () => {
    await upload("old");
    const app = startApp({ refreshMs: null });
    await app.request("/sample?seed=1");
    objects.clear();
    await upload("new");
    expect((await app.nearest()).status).toBe(503); // its rows are gone
    expect((await app.nearest()).status).toBe(200);
  });
});

describe("a storage that fails", () => {
  test("is 503 with retry-after for what isn't loaded, nothing for what is, and recovers by itself", async () => {
    await upload("old");
    const app = startApp();
    await app.request("/sample?seed=1");
    isDown = () => true;
    for (let i = 0; i < 3; i++) {
      expect((await app.request("/sample?seed=2")).status).toBe(200);
      const response = await app.nearest();
      expect(response.status).toBe(503);
      expect(response.headers.get("retry-after")).toBe("5");
      expect(response.headers.get("cache-control")).toBe("no-store");
      expect(((await response.json()) as { detail: string }).detail).toMatch(
        /can't be read now .*network is down/,
      );
    }
    isDown = () => false;
    expect((await app.nearest()).status).toBe(200);
  });

  test("before anything is loaded, fails what needs it and recovers", async () => {
    await upload("old");
    const app = startApp();
    for (const file of ["models.json", "manifest.json", "weights.0.bin"]) {
      isDown = (path) => path.endsWith(file);
      expect((await app.request("/sample?seed=1")).status).toBe(503);
    }
    isDown = () => false;
    expect((await app.request("/sample?seed=1")).status).toBe(200);
  });
});

describe("two models that have no room together", () => {
  test("take turns: the one that was used last stays", async () => {
    await upload("old", "other");
    const { manifest } = (await checkBundles([join(folder, "old")]))[0]!;
    const app = startApp({ refreshMs: null, memoryBytes: trainingBytes(manifest) * 1.5 });
    const rowsRead = () => reads.filter((path) => path.endsWith("train.0.bin")).length;
    for (const [path, expected] of [
      ["/models/grey/nearest", 1],
      ["/models/grey/nearest", 1],
      ["/models/other/nearest", 2],
      ["/models/other/nearest", 2],
      ["/models/grey/nearest", 3],
    ] as const) {
      expect((await app.nearest(path)).status).toBe(200);
      expect(rowsRead()).toBe(expected);
    }
  });

  test("one that a request uses is not dropped: the other is told to come back", async () => {
    await upload("old", "other");
    const { manifest } = (await checkBundles([join(folder, "old")]))[0]!;
    const app = startApp({ refreshMs: null, memoryBytes: trainingBytes(manifest) * 1.5 });
    let release = () => {};
    held = new Promise((resolve) => {
      release = resolve;
    });
    const first = app.nearest("/models/grey/nearest");
    while (!reads.some((path) => path.endsWith("train.0.bin"))) await new Promise(setImmediate);
    const second = await app.nearest("/models/other/nearest");
    expect(second.status).toBe(503);
    expect(second.headers.get("retry-after")).toBe("1");
    release();
    expect((await first).status).toBe(200);
    expect((await app.nearest("/models/other/nearest")).status).toBe(200);
  });

  test("a model that has no room even alone says so", async () => {
    await upload("old");
    const app = startApp({ memoryBytes: 100_000 });
    const problem = (await (await app.nearest()).json()) as { status: number; detail: string };
    expect(problem.status).toBe(503);
    expect(problem.detail).toMatch(/training examples of model "grey": take .* MODEL_MEMORY_MIB/);
  });
});

describe("a model that is searched by Vectorize (simulated)", () => {
  test("is 503 until its vectors are visible, then judges as the trainer does", async () => {
    const directory = join(folder, "vectors");
    await writeSmallBundle(directory, { name: "grey", output: GREY, indexed: "vectorize" });
    await upload("vectors");
    const database = simulateVectorize(196);
    const bundle = (await checkBundles([directory]))[0]!;
    const stored: string[] = [];
    await uploadVectors(bundle, {
      stateFile: join(folder, "vectors.json"),
      onProgress: () => {},
      async put(lines) {
        stored.push(...lines.trim().split("\n"));
      },
    });
    const app = startApp({ refreshMs: null, vectors: database });
    const vectors = stored
      .map((line) => JSON.parse(line))
      .map((v) => ({ ...v, values: new Float32Array(v.values) }));
    await database.upsert(vectors);
    const early = await app.nearest();
    expect(early.status).toBe(503);
    expect(((await early.json()) as { detail: string }).detail).toMatch(
      /Vectorize: 0 of \d+ vectors .* visible/,
    );
    database.process();
    const test = (await readMemorisationTest(bundle))!;
    for (const row of [0, 7, 299]) {
      const example = (await test.search.row(row)).map((value) => Math.min(255, value + (row % 9)));
      const pixels = Array.from(example);
      const response = await app.request("/nearest?k=3", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ pixels }),
      });
      const { verdict, pValue, ratio, neighbours } = await checkExample(test, example, 3);
      const answer = (await response.json()) as { neighbours: { index: number; distance: number }[] };
      expect(answer).toMatchObject({
        verdict,
        pValue,
        ratio,
        neighbours: neighbours.map((found) => ({ ...found })),
      });
      expect(answer.neighbours[0]!.index).toBe(row);
    }
  });
});
