/** The typed client: what it asks for and gets, and that its types are the routes'. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, expectTypeOf, test } from "vitest";
import { type Client, createClient } from "../edge/client.ts";
import type { ProblemCode } from "../edge/problem.ts";
import { createNodeApp } from "./node-app.ts";
import { GREY, writeSmallBundle } from "./small-bundle.ts";

let folder: string;
let client: Client;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "imle-edge-"));
  await writeSmallBundle(join(folder, "grey"), { name: "grey", output: GREY });
  const app = createNodeApp({ grey: join(folder, "grey") });
  const fetchApp = (url: string | URL | Request, init?: RequestInit) =>
    app.request(new URL(String(url)).href, init);
  client = createClient("http://edge/models/grey", { fetch: fetchApp as typeof fetch });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test("draws samples, as pictures or as typed numbers", async () => {
  const picture = await client.sample.$get({ query: { n: "4", seed: "7" } });
  expect((await picture.blob()).type).toBe("image/png");

  const response = await client.sample.$get({ query: { n: "2", seed: "7", format: "json", check: "1" } });
  if (response.status !== 200) throw new Error(`status ${response.status}`);
  const { samples } = await response.json();
  expectTypeOf(samples[0]!.pixels).toEqualTypeOf<number[] | undefined>();
  expectTypeOf(samples[0]!.check!.verdict).toEqualTypeOf<"copy" | "close" | "novel">();
  expect(samples).toHaveLength(2);
});

test("asks for neighbours", async () => {
  const response = await client.nearest.$post({ query: { k: "3" }, json: { seed: 7, index: 1 } });
  if (!response.ok) throw new Error(`status ${response.status}`);
  const answer = await response.json();
  expectTypeOf(answer.pValue).toEqualTypeOf<number>();
  expect(answer.neighbours).toHaveLength(3);
});

test("tells problems by their status", async () => {
  const response = await client.sample.$get({ query: { n: "65" } });
  if (response.status !== 400) throw new Error(`status ${response.status}`);
  const problem = await response.json();
  expectTypeOf(problem.code).toEqualTypeOf<ProblemCode>();
  expect(problem.code).toBe("bad-parameter");
});

test("knows what there is, and what may be sent", async () => {
  expectTypeOf<keyof Client>().toExtend<string>();
  expectTypeOf<Client>().toHaveProperty("healthz");
  expectTypeOf<Client>().toHaveProperty("manifest.json");
  expectTypeOf<Client>().not.toHaveProperty("nope");
  // @ts-expect-error: no such format
  expect((await client.sample.$get({ query: { format: "gif" } })).status).toBe(400);
  // @ts-expect-error: no such body
  expect((await client.nearest.$post({ query: {}, json: { pixels: "none" } })).status).toBe(400);
});
