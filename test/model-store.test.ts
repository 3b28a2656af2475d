/** What the edge loads, when, and what it refuses: the app in Node, with its fetches counted. */

import {
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  truncate,
  unlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { greyPng } from "./edge-client.ts";
import { createNodeApp } from "./node-app.ts";
import { GREY, PLANE, writeSmallBundle } from "./small-bundle.ts";

let folder: string;
let pristine: string;
let bundle: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "imle-edge-"));
  pristine = join(folder, "pristine");
  await writeSmallBundle(pristine, { name: "grey", output: GREY });
  await writeSmallBundle(join(folder, "plane"), { name: "plane", output: PLANE });
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** A fresh copy of the bundle, to be damaged. */
beforeEach(async () => {
  bundle = join(folder, "grey");
  await rm(bundle, { recursive: true, force: true });
  await mkdir(bundle);
  for (const file of await readdir(pristine)) await copyFile(join(pristine, file), join(bundle, file));
});

const nearest = { method: "POST", headers: { "content-type": "application/json" }, body: '{"seed": 1}' };

describe("loading", () => {
  test("concurrent cold requests fetch every file once, and warm ones none", async () => {
    const app = createNodeApp({ grey: bundle });
    const { version } = JSON.parse(await readFile(join(bundle, "manifest.json"), "utf8"));
    const cold = await Promise.all([
      ...Array.from({ length: 8 }, (_, seed) => app.request(`/sample?seed=${seed}`)),
      ...Array.from({ length: 8 }, () => app.request("/nearest", nearest)),
      app.request("/train/1.png"),
      app.request("/models/grey/sample?check=1"),
    ]);
    expect(cold.map(({ status }) => status)).toEqual(cold.map(() => 200));
    expect(app.fetched.toSorted()).toEqual([
      `grey/${version}/calibration.bin`,
      `grey/${version}/model.json`,
      `grey/${version}/train.0.bin`,
      `grey/${version}/train.labels.bin`,
      `grey/${version}/train.siblings.bin`,
      `grey/${version}/weights.0.bin`,
      "grey/manifest.json",
      "models.json",
    ]);
    await app.request("/sample?seed=99");
    await app.request("/nearest", nearest);
    expect(app.fetched).toHaveLength(8);
  });

  test("a request loads what it needs and no more", async () => {
    const app = createNodeApp({ grey: bundle, plane: join(folder, "plane") });
    await app.request("/healthz");
    expect(app.fetched).toEqual(["models.json", "grey/manifest.json"]);
    await app.request("/train/0.png");
    expect(app.fetched).not.toContain("grey/model.json");
    expect(app.fetched.filter((path) => path.startsWith("plane/"))).toEqual([]);
  });

  test("a client's own copy costs no load at all", async () => {
    const etag = (await createNodeApp({ grey: bundle }).request("/sample?seed=1")).headers.get("etag")!;
    const app = createNodeApp({ grey: bundle });
    const response = await app.request("/sample?seed=1", { headers: { "if-none-match": etag } });
    expect(response.status).toBe(304);
    expect(app.fetched).toEqual(["models.json", "grey/manifest.json"]);
  });

  test("a load outlives the request that began it, as others may be waiting for it", async () => {
    // Cloudflare ends a request's work when its client hangs up, unless it was handed to waitUntil.
    for (const path of ["/sample", "/train/0.png"]) {
      const app = createNodeApp({ grey: bundle });
      app.request(path); // nobody waits for the answer
      for (let seen = -1; seen < app.keptAlive.length; ) {
        seen = app.keptAlive.length;
        await Promise.all(app.keptAlive);
        await new Promise(setImmediate); // what comes next is handed over by then
      }
      const loaded = [...app.fetched];
      const needed = path === "/sample" ? "weights.0.bin" : "train.0.bin";
      expect(loaded.map((path) => basename(path))).toContain(needed);
      expect((await app.request(path)).status).toBe(200);
      expect(app.fetched).toEqual(loaded);
    }
  });

  test("a failure is not kept: once the file is back, the model works", async () => {
    const weights = join(bundle, "weights.0.bin");
    const bytes = await readFile(weights);
    await unlink(weights);
    const app = createNodeApp({ grey: bundle });
    expect((await app.request("/sample")).status).toBe(503);
    await writeFile(weights, bytes);
    expect((await app.request("/sample")).status).toBe(200);
  });
});

describe("a bundle that can't be trusted is refused by the file's name", () => {
  const sample = ["manifest.json", "model.json", "weights.0.bin"];
  const check = ["train.0.bin", "train.labels.bin", "train.siblings.bin", "calibration.bin"];
  const files = [...sample, ...check];
  const ask = async (file: string) => {
    const app = createNodeApp({ grey: bundle });
    const response = await (sample.includes(file)
      ? app.request("/sample?seed=1")
      : app.request("/train/0.png"));
    const problem = (await response.json()) as { code: string; detail: string };
    expect(response.status).toBe(503);
    expect(problem.code).toBe("model-unavailable");
    expect(problem.detail).toMatch(new RegExp(`^grey/([0-9a-f]{16}/)?${file}: `));
    expect(response.headers.get("retry-after")).toBe("5");
    return problem.detail;
  };

  test.each(files)("%s missing", async (file) => {
    await unlink(join(bundle, file));
    expect(await ask(file)).toMatch(/missing/);
  });

  test.each(files)("%s truncated", async (file) => {
    const { length } = await readFile(join(bundle, file));
    await truncate(join(bundle, file), length - 1);
    await ask(file);
  });

  test.each(files)("%s lengthened", async (file) => {
    await writeFile(join(bundle, file), Buffer.concat([await readFile(join(bundle, file)), Buffer.of(32)]));
    await ask(file);
  });

  test("any single flipped bit of any file", async () => {
    const contents = new Map(
      await Promise.all(files.map(async (file) => [file, await readFile(join(pristine, file))] as const)),
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...files), fc.nat(), fc.nat(7), async (file, position, bit) => {
        const bytes = Buffer.from(contents.get(file)!);
        bytes[position % bytes.length]! ^= 1 << bit;
        await writeFile(join(bundle, file), bytes);
        await ask(file);
        await writeFile(join(bundle, file), contents.get(file)!);
      }),
      { numRuns: 60 },
    );
  });
});

describe("hostile bodies", () => {
  test("no damage to a PNG makes the server fail: it is read, or refused", async () => {
    const app = createNodeApp({ grey: pristine });
    const png = greyPng(Uint8Array.from({ length: 784 }, (_, i) => (i * 7) % 256));
    const damage = fc.record({
      position: fc.nat(png.length - 1),
      value: fc.nat(255),
      cut: fc.option(fc.nat(png.length)),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(damage, { minLength: 1, maxLength: 4 }), async (damages) => {
        const body = png.slice(0, damages[0]!.cut ?? png.length);
        for (const { position, value } of damages) if (position < body.length) body[position] = value;
        const response = await app.request("/nearest", {
          method: "POST",
          body,
          headers: { "content-type": "image/png" },
        });
        expect([200, 400, 422]).toContain(response.status);
      }),
      { numRuns: 150 },
    );
  });
});
