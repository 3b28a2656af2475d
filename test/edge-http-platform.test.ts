/** What the edge takes from its host, on wrangler's local platform: the Cache API, secrets, the rate limiting binding. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Manifest } from "../shared/manifest.ts";
import { bytesOf, expectProblem } from "./edge-client.ts";
import { GREY, writeSmallBundle } from "./small-bundle.ts";
import { startWranglerEdge, type WranglerEdge } from "./wrangler-edge.ts";

const ALICE = "alice-alice-alice-1";
const BOB = "bob-bob-bob-bob-bob-2";
const LIMIT = 50;

let folder: string;
let manifest: Manifest;
let edge: WranglerEdge;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "imle-edge-"));
  manifest = await writeSmallBundle(join(folder, "grey"), { name: "grey", output: GREY });
  edge = await startWranglerEdge([join(folder, "grey")], { API_KEYS: `alice=${ALICE}, bob=${BOB}` }, LIMIT);
});
afterAll(async () => {
  await edge?.close();
  await rm(folder, { recursive: true, force: true });
});

const get = (path: string, { headers, ...init }: RequestInit = {}) =>
  fetch(edge.url + path, {
    ...init,
    headers: { "x-api-key": ALICE, ...(headers as Record<string, string>) },
  });
const pinned = (path: string) => `${path}${path.includes("?") ? "&" : "?"}v=${manifest.version}`;

const HIT = "imle-edge; hit";
const MISS = "imle-edge; fwd=uri-miss; stored";

describe("the Cache API", () => {
  test("keeps a sample whose seed and version are given, whatever the parameters' order", async () => {
    const drawn = await get(pinned("/sample?seed=7&n=3"));
    expect(drawn.headers.get("cache-status")).toBe(MISS);
    const kept = await get(`/sample?v=${manifest.version}&n=3&seed=7`);
    expect(kept.headers.get("cache-status")).toBe(HIT);
    for (const name of ["cache-control", "content-type", "content-length", "etag", "vary", "x-imle-seed"]) {
      expect(kept.headers.get(name), name).toBe(drawn.headers.get(name));
    }
    expect(await bytesOf(kept)).toEqual(await bytesOf(drawn));
  });

  test("tells formats, models' addresses, temperatures and checks apart", async () => {
    const paths = [
      "/sample?seed=8",
      "/sample?seed=8&n=2",
      "/sample?seed=8&format=npy",
      "/sample?seed=8&format=json",
      "/sample?seed=8&format=json&check=1",
      "/sample?seed=8&temperature=0.5",
      "/models/grey/sample?seed=8&format=json&check=1",
    ];
    for (const path of paths) {
      const response = await get(pinned(path));
      await bytesOf(response);
      expect(response.headers.get("cache-status"), path).toBe(MISS);
    }
    const json = await get(pinned("/sample?seed=8"), { headers: { accept: "application/json" } });
    expect(json.headers.get("cache-status")).toBe(HIT);
    expect(await json.json()).toMatchObject({ seed: 8, samples: [{ index: 0 }] });
  });

  test("answers HEAD and conditional requests for what is kept", async () => {
    const drawn = await get(pinned("/sample?seed=9"));
    const { byteLength } = await drawn.arrayBuffer();
    const head = await get(pinned("/sample?seed=9"), { method: "HEAD" });
    expect(head.headers.get("cache-status")).toBe(HIT);
    expect(head.headers.get("etag")).toBe(drawn.headers.get("etag"));
    expect(byteLength).toBeGreaterThan(0);
    expect((await head.arrayBuffer()).byteLength).toBe(0);
    const unchanged = await get(pinned("/sample?seed=9"), {
      headers: { "if-none-match": drawn.headers.get("etag")! },
    });
    expect(unchanged.status).toBe(304);
    expect(unchanged.headers.get("cache-control")).toContain("immutable");
  });

  test("keeps nothing that may change, and no errors", async () => {
    for (const path of [
      "/sample",
      "/sample?seed=7",
      pinned("/sample"),
      "/sample?seed=7&check=1",
      pinned("/sample?seed=7&n=65"),
      "/sample?seed=7&v=0000000000000000",
    ]) {
      for (let i = 0; i < 2; i++) {
        const response = await get(path);
        await response.arrayBuffer();
        expect(response.headers.get("cache-status"), path).toBeNull();
      }
    }
  });

  test("hands nothing to those who have no key", async () => {
    await bytesOf(await get(pinned("/sample?seed=10")));
    await expectProblem(await fetch(edge.url + pinned("/sample?seed=10")), 401, "unauthorized", /x-api-key/);
  });
});

test("the rate limiting binding counts by key", async () => {
  const asBob = (path: string) => get(path, { headers: { "x-api-key": BOB } });
  for (let i = 0; i < LIMIT; i++) await bytesOf(await asBob("/sample"));
  const refused = await asBob("/sample");
  expect(refused.headers.get("retry-after")).toBe("60");
  await expectProblem(refused, 429, "too-many-requests", /key bob/);
  expect((await asBob("/train/1.png")).status).toBe(200);
  expect((await get("/sample")).status).toBe(200);
});
