/** Every storage in the real workerd; R2 as Cloudflare's own local simulation of it (miniflare). */

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Miniflare, Response } from "miniflare";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkBundles, readStored, storedFiles } from "../cli/assets.ts";
import { buildPages, buildWorker } from "../cli/build-worker.ts";
import { startServer, startWorker } from "../cli/workerd.ts";
import { STORAGES } from "../edge/storage/index.ts";
import { GREY, writeSmallBundle } from "./small-bundle.ts";

let folder: string;
let bundle: string;
let indexed: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "imle-edge-"));
  bundle = join(folder, "grey");
  await writeSmallBundle(bundle, { name: "grey", output: GREY });
  indexed = join(folder, "indexed");
  await writeSmallBundle(indexed, { name: "indexed", output: GREY, seed: 4, indexed: "principal" });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Served {
  readonly url: string;
  /** Replaces the models while they are served; null where only a deployment can. */
  readonly replace: ((bundle: string) => Promise<void>) | null;
  close(): Promise<void>;
}

const stored = async () => storedFiles(await checkBundles([bundle, indexed]));

const SERVERS: Record<string, () => Promise<Served>> = {
  assets: async () => ({ ...(await startServer({ bundles: [bundle, indexed] })), replace: null }),

  async embedded() {
    const embedded = await Promise.all(
      (await stored()).map(async (file) => ({ path: file.path, bytes: await readStored(file) })),
    );
    const variables = { MODEL_STORE: "embedded" };
    return { ...(await startWorker("edge/worker.ts", buildPages, { embedded, variables })), replace: null };
  },

  async r2() {
    const { directory, scripts, wasm } = await buildWorker("edge/worker.ts", join(folder, "worker"));
    const pages = join(folder, "pages");
    await buildPages(pages);
    const contents = async (file: string) => new Uint8Array(await readFile(join(directory, file)));
    const modules = Object.fromEntries(
      await Promise.all([
        ...scripts.map(async (file) => [file, { type: "esm" as const, contents: await contents(file) }]),
        ...wasm.map(async (file) => [file, { type: "wasm" as const, contents: await contents(file) }]),
      ]),
    );
    const miniflare = new Miniflare({
      workers: [
        {
          config: {
            name: "edge",
            compatibilityDate: "2026-10-01",
            manifest: { mainModule: scripts[0]!, modulesRoot: directory, modules },
            env: {
              ASSETS: {
                type: "fetcher",
                handler: async ({ url }) => new Response(await readFile(join(pages, new URL(url).pathname))),
              },
              MODELS: { type: "r2" },
              MODEL_STORE: { type: "text", value: "r2" },
              MODEL_REFRESH_SECONDS: { type: "text", value: "0" },
            },
          },
        },
      ],
    });
    const bucket = await miniflare.getR2Bucket("MODELS");
    const upload = async (from: string) => {
      for (const file of storedFiles(await checkBundles([from, indexed]))) {
        await bucket.put(file.path, await readStored(file));
      }
    };
    await upload(bundle);
    const url = (await miniflare.ready).origin;
    return { url, replace: upload, close: () => miniflare.dispose() };
  },
};

const nearest = {
  method: "POST",
  headers: { "content-type": "application/json" },
  body: '{"seed": 1}',
};

test("every storage is served here", () => {
  expect(Object.keys(SERVERS).toSorted()).toEqual(Object.keys(STORAGES).toSorted());
});

describe.each(Object.keys(STORAGES))("%s", (name) => {
  let served: Served;
  let reference: Served;
  beforeAll(async () => {
    [served, reference] = await Promise.all([SERVERS[name]!(), SERVERS["assets"]!()]);
  });
  afterAll(() => Promise.all([served?.close(), reference?.close()]));

  test.each([
    ["/manifest.json", {}],
    ["/sample?n=3&seed=7", {}],
    ["/nearest", nearest],
    ["/train/7.png", {}],
    ["/weights.0.bin", {}],
    ["/", {}],
    ["/models/indexed/nearest?k=9", nearest],
    ["/models/indexed/train/299.png", {}],
  ])("%s answers what it answers from static assets", async (path, init) => {
    const [ours, theirs] = await Promise.all([
      fetch(served.url + path, init),
      fetch(reference.url + path, init),
    ]);
    expect(ours.status).toBe(200);
    expect(await ours.bytes()).toEqual(await theirs.bytes());
  });

  test("a model that isn't there is 404", async () => {
    expect((await fetch(`${served.url}/models/none/sample`)).status).toBe(404);
  });

  test("serves a new version without a failed request, where it can be replaced", async ({ skip }) => {
    if (!served.replace) return skip("replaced by deploying the Worker anew");
    const replaced = join(folder, "replaced");
    const { version } = await writeSmallBundle(replaced, { name: "grey", output: GREY, seed: 9 });
    const statuses = new Set<number>();
    let isOver = false;
    const load = Promise.all(
      Array.from({ length: 4 }, async () => {
        while (!isOver) {
          statuses.add((await fetch(`${served.url}/sample`)).status);
          statuses.add((await fetch(`${served.url}/nearest`, nearest)).status);
        }
      }),
    );
    await served.replace(replaced);
    while ((await fetch(`${served.url}/sample?v=${version}`)).status !== 200);
    isOver = true;
    await load;
    expect([...statuses]).toEqual([200]);
  });
});
