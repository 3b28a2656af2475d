/** How the edge is configured: API keys, rate limits, the log, a cache. The app itself, in Node. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { AppOptions } from "../edge/app.ts";
import type { ResponseCache } from "../edge/caching.ts";
import { assetStorage } from "../edge/storage/assets.ts";
import type { Manifest } from "../shared/manifest.ts";
import { bytesOf, expectProblem } from "./edge-client.ts";
import { createNodeApp, type NodeApp } from "./node-app.ts";
import { GREY, writeSmallBundle } from "./small-bundle.ts";

const KEY = "0123456789abcdef";

let folder: string;
let manifest: Manifest;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "imle-edge-"));
  manifest = await writeSmallBundle(join(folder, "grey"), { name: "grey", output: GREY });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const appWith = (options: Partial<AppOptions>): NodeApp =>
  createNodeApp({ grey: join(folder, "grey") }, options);
const nearest = (headers: Record<string, string> = {}): RequestInit => ({
  method: "POST",
  body: '{"seed": 1}',
  headers: { "content-type": "application/json", ...headers },
});

describe("API keys", () => {
  const configuration = `ci=${KEY}\n web=another-key-of-someone`;

  test("are asked for wherever a model answers", async () => {
    const app = appWith({ apiKeys: configuration });
    for (const path of [
      "/sample",
      "/manifest.json",
      "/train/1.png",
      "/model.json",
      "/weights.0.bin",
      "/nope",
    ]) {
      for (const base of ["", "/models/grey"]) {
        const response = await app.request(base + path);
        expect(response.headers.get("www-authenticate")).toBe('Bearer realm="imle-edge"');
        await expectProblem(response, 401, "unauthorized", /expected a key/);
      }
    }
    expect((await app.request("/nearest", nearest())).status).toBe(401);
    expect((await app.request("/sample", { method: "HEAD" })).status).toBe(401);
  });

  test("pass as a bearer token or in x-api-key, any of them", async () => {
    const app = appWith({ apiKeys: configuration });
    for (const headers of [
      { "x-api-key": KEY },
      { authorization: `Bearer ${KEY}` },
      { authorization: "bearer another-key-of-someone" },
    ]) {
      const response = await app.request("/models/grey/sample?seed=1", { headers });
      expect(response.status).toBe(200);
      expect(response.headers.get("cache-control")).toBe("private, max-age=300");
      expect((await app.request("/nearest", nearest(headers))).status).toBe(200);
    }
  });

  test.each([
    { "x-api-key": "" },
    { "x-api-key": KEY.slice(1) },
    { "x-api-key": `${KEY}0` },
    { "x-api-key": "ci" },
    { authorization: `Basic ${KEY}` },
    { authorization: "Bearer wrong" },
    { authorization: "Bearer" },
    { authorization: `Bearer ${KEY}`, "x-api-key": "wrong" },
  ])("%j is refused", async (headers) => {
    const response = await appWith({ apiKeys: configuration }).request("/sample", { headers });
    await expectProblem(response, 401, "unauthorized", /expected a key/);
    expect(response.headers.get("www-authenticate")).toMatch(/^Bearer realm="imle-edge"/);
  });

  test("are not needed for pages, health, documents, or to ask what is allowed", async () => {
    const app = appWith({ apiKeys: configuration });
    for (const path of ["/healthz", "/models", "/openapi.json", "/docs"]) {
      expect((await app.request(path)).status, path).toBe(200);
    }
    const preflight = await app.request("/sample", { method: "OPTIONS" });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get("access-control-allow-headers")).toMatch(/authorization.*x-api-key/);
  });

  test("are described where they are needed", async () => {
    const described = async (app: NodeApp) => (await app.request("/openapi.json")).json();
    expect(await described(appWith({ apiKeys: configuration }))).toMatchObject({
      security: [{ bearer: [] }, { apiKey: [] }],
      components: { securitySchemes: { bearer: { scheme: "bearer" }, apiKey: { name: "x-api-key" } } },
    });
    expect(await described(appWith({}))).not.toHaveProperty("security");
    const page = async (app: NodeApp) => (await app.request("/docs")).text();
    expect(await page(appWith({ apiKeys: configuration }))).toContain("x-api-key");
    expect(await page(appWith({}))).not.toContain("x-api-key");
  });

  test.each(["", " , ", KEY, "ci=short", `=${KEY}`, `ci=${KEY} oops`])(
    "configured as %j is an error",
    (apiKeys) => {
      expect(() => appWith({ apiKeys })).toThrow(/^API_KEYS: expected/);
    },
  );
});

describe("a rate limit", () => {
  /** Lets two requests of every key pass. */
  const limiter = () => {
    const counts = new Map<string, number>();
    return {
      async limit({ key }: { key: string }) {
        counts.set(key, (counts.get(key) ?? 0) + 1);
        return { success: counts.get(key)! <= 2 };
      },
    };
  };

  test("counts samples and checks together, by address", async () => {
    const app = appWith({ rateLimiter: limiter() });
    const ask = (clientAddress: string) => app.request("/models/grey/sample", {}, { clientAddress });
    expect((await ask("192.0.2.1")).status).toBe(200);
    expect((await app.request("/nearest", nearest(), { clientAddress: "192.0.2.1" })).status).toBe(200);
    const refused = await ask("192.0.2.1");
    expect(refused.headers.get("retry-after")).toBe("60");
    await expectProblem(refused, 429, "too-many-requests", /192\.0\.2\.1/);
    expect((await ask("192.0.2.2")).status).toBe(200);
  });

  test("does not count what costs little", async () => {
    const app = appWith({ rateLimiter: limiter() });
    for (let i = 0; i < 4; i++) {
      for (const path of ["/manifest.json", "/train/1.png", "/healthz", "/models"]) {
        expect((await app.request(path)).status).toBe(200);
      }
      expect((await app.request("/sample", { method: "OPTIONS" })).status).toBe(204);
    }
  });
});

describe("the log", () => {
  const logged = (options: Partial<AppOptions>) => {
    const lines: string[] = [];
    const app = appWith({ ...options, writeLog: (_, line) => void lines.push(line) });
    return { app, entries: () => lines.map((line) => JSON.parse(line)) };
  };

  test("has one JSON object a request, with what it took", async () => {
    const { app, entries } = logged({ logLevel: "info", apiKeys: `ci=${KEY}` });
    const response = await app.request("/models/grey/sample?seed=4711&n=2", {
      headers: { "x-api-key": KEY, "x-request-id": "from-the-client_1" },
    });
    const { byteLength } = await response.arrayBuffer();
    expect(response.headers.get("x-request-id")).toBe("from-the-client_1");
    expect(response.headers.get("server-timing")).toMatch(/^total;dur=[\d.]+, load;dur=[\d.]+$/);
    expect(entries()).toEqual([
      {
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
        level: "info",
        requestId: "from-the-client_1",
        method: "GET",
        route: "/models/:name/sample",
        status: 200,
        ms: expect.any(Number),
        loadMs: expect.any(Number),
        bytes: byteLength,
        model: `grey@${manifest.version}`,
        cache: null,
        client: "ci",
      },
    ]);
  });

  test("keeps no secret: no key, no query, no path that nobody serves", async () => {
    const { app, entries } = logged({ logLevel: "info", apiKeys: `ci=${KEY}` });
    await app.request(`/sample?seed=4711&token=${KEY}`, { headers: { authorization: `Bearer ${KEY}` } });
    await app.request(`/${KEY}`, { headers: { authorization: `Bearer ${KEY}` } });
    await app.request("/sample", { headers: { "x-api-key": `${KEY}-wrong` } });
    expect(entries().map(({ status, code, route }) => [status, code, route])).toEqual([
      [400, "bad-parameter", "/sample"],
      [404, undefined, "/*"],
      [401, "unauthorized", "/sample"],
    ]);
    expect(JSON.stringify(entries())).not.toMatch(new RegExp(`${KEY}|4711`));
  });

  test("tells why a model can't be served", async () => {
    const { app, entries } = logged({
      logLevel: "error",
      storage: assetStorage(async () => new Response(null, { status: 500 })),
    });
    expect((await app.request("/sample")).status).toBe(503);
    expect(entries()).toMatchObject([
      { level: "error", status: 503, error: expect.stringMatching(/models\.json/) },
    ]);
  });

  test.each([
    ["off", []],
    ["error", []],
    ["warn", [404]],
    ["info", [200, 404]],
  ])("at level %s has %j of 200 and 404", async (logLevel, expected) => {
    const { app, entries } = logged({ logLevel });
    await app.request("/healthz");
    await app.request("/nope");
    expect(entries().map(({ status }) => status)).toEqual(expected);
  });

  test("at no other level", () => {
    expect(() => appWith({ logLevel: "verbose" })).toThrow(
      'LOG_LEVEL: expected off, error, warn, info, got "verbose"',
    );
  });

  test.each(["a b", "x".repeat(65), "\xfc", '{"level":"info"}', ""])(
    "a client's request id %j is replaced",
    async (id) => {
      const response = await appWith({}).request("/healthz", { headers: { "x-request-id": id } });
      expect(response.headers.get("x-request-id")).toMatch(/^[\da-f]{8}-[\da-f-]{27}$/);
    },
  );
});

test("a storage that never answers is 503 in the end", async () => {
  vi.useFakeTimers();
  try {
    const storage = assetStorage(() => new Promise(() => {}));
    const answer = appWith({ storage }).request("/sample");
    await vi.advanceTimersByTimeAsync(31_000);
    const response = await answer;
    expect(response.headers.get("retry-after")).toBe("5");
    await expectProblem(response, 503, "model-unavailable", /too long/);
  } finally {
    vi.useRealTimers();
  }
});

describe("a response cache", () => {
  const remembering = (): ResponseCache & { urls: string[] } => {
    const answers = new Map<string, Response>();
    return {
      urls: [],
      match: async (url) => answers.get(url)?.clone(),
      async put(url, response) {
        this.urls.push(url);
        answers.set(url, response);
      },
    };
  };

  test("never brings back a version that is not served any more", async () => {
    const path = join(folder, "replaced");
    const old = await writeSmallBundle(path, { name: "replaced", output: GREY });
    const responseCache = remembering();
    const request = (version: string) =>
      createNodeApp({ replaced: path }, { responseCache }).request(`/sample?seed=1&v=${version}`);
    const before = await bytesOf(await request(old.version));
    const now = await writeSmallBundle(path, { name: "replaced", output: GREY, seed: 2 });
    await expectProblem(await request(old.version), 404, "version-gone", new RegExp(now.version));
    expect(await bytesOf(await request(now.version))).not.toEqual(before);
    expect(responseCache.urls).toHaveLength(2);
  });

  test("that fails is no reason to fail", async () => {
    const fail = async () => {
      throw new Error("no cache here");
    };
    const app = appWith({ responseCache: { match: fail, put: fail } });
    const response = await app.request(`/sample?seed=1&v=${manifest.version}`);
    expect(response.status).toBe(200);
    await Promise.all(app.keptAlive);
  });
});
