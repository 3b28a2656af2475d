/** The embed in a real browser: from a script and by its tag, beside what the server draws. */

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type LocalServer, startServer } from "../cli/workerd.ts";
import { complaintsOf, hasChromium, launchChromium, withoutChromium } from "./browser.ts";
import { bytesOf, type EdgeClient, jsonOf, startEdge } from "./edge-client.ts";
import { GREY, writeSmallBundle } from "./small-bundle.ts";

/** EMBED_SEEDS=1000 for the long version. */
const SEEDS = Number(process.env["EMBED_SEEDS"] ?? 50);
const LIMIT_BYTES = 60 * 1024;

let edge: EdgeClient;
beforeAll(async () => {
  edge = await startEdge();
});
afterAll(() => edge?.close());

describe("/embed.js", () => {
  test("is at most 60 KiB, gzipped", async () => {
    const script = await bytesOf(await edge.get("/embed.js"));
    expect(gzipSync(script).byteLength).toBeLessThanOrEqual(LIMIT_BYTES);
  });

  test("may be read by other sites' pages, and is immutable under its entity tag", async () => {
    const { headers } = await edge.get("/embed.js");
    expect(headers.get("content-type")).toBe("text/javascript; charset=utf-8");
    expect(headers.get("access-control-allow-origin")).toBe("*");
    expect(headers.get("cache-control")).toBe("public, no-cache");
    const etag = headers.get("etag")!;
    const again = await edge.get("/embed.js", { headers: { "if-none-match": etag } });
    expect(again.status).toBe(304);
    // It would replace the one that the browser has kept, and the worker could run no WebAssembly.
    expect(again.headers.get("content-security-policy")).toBeNull();
    const named = await edge.get(`/embed.js?v=${etag.replaceAll('"', "")}`);
    expect(named.headers.get("cache-control")).toContain("immutable");
    const misnamed = await edge.get("/embed.js?v=0123456789abcdef");
    expect(misnamed.headers.get("cache-control")).toBe("public, no-cache");
  });
});

describe.skipIf(!hasChromium)(`the embed in Chromium${withoutChromium}`, () => {
  let folder: string;
  /** Another site: a conditional model whose weights are int8. */
  let other: LocalServer;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let complaints: string[];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "imle-embed-"));
    const bundle = join(folder, "classes");
    await writeSmallBundle(bundle, { name: "classes", output: GREY, conditional: true, weights: "int8" });
    other = await startServer({ bundles: [bundle] });
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser?.close();
    await other?.close();
    await rm(folder, { recursive: true, force: true });
  });

  beforeEach(async () => {
    context = await browser.newContext();
    page = await context.newPage();
    complaints = complaintsOf(page);
  });
  afterEach(() => context.close());

  /** Opens a page of the server's, or of another site's, with this body. */
  async function open(body: string, headers: Record<string, string> = {}, site = edge.url): Promise<void> {
    const contentType = "text/html; charset=utf-8";
    await context.route(`${site}/page`, (route) =>
      route.fulfill({ contentType, headers, body: `<!doctype html><title>Page</title>${body}` }),
    );
    await page.goto(`${site}/page`);
  }

  const SCRIPT = '<script type="module">globalThis.embed = await import("/embed.js")</script>';
  const openScript = async (headers: Record<string, string> = {}) => {
    await open(SCRIPT, headers);
    await page.waitForFunction(() => Reflect.has(globalThis, "embed"));
  };

  interface Asked {
    readonly url: string;
    readonly worker?: boolean;
    readonly seeds: readonly number[];
    readonly n?: number;
    readonly label?: string;
    readonly temperature?: number;
  }

  /** The numbers of every sample of every seed, and whether a worker drew them. */
  const draw = (asked: Asked): Promise<number[][][]> =>
    page.evaluate(async ({ url, worker, seeds, ...options }) => {
      const { loadGenerator } = Reflect.get(globalThis, "embed");
      const generator = await loadGenerator(url, { worker });
      const drawn = [];
      for (const seed of seeds) {
        const samples = await generator.sample({ seed, ...options });
        // biome-ignore lint/suspicious/noExplicitAny: the browser's values
        drawn.push(samples.map((sample: any) => Array.from(sample.pixels ?? sample)));
      }
      generator.dispose();
      return drawn;
    }, asked);

  /** The message and the code of what goes wrong. */
  const failure = (url: string, options: object = {}, sample: object = {}) =>
    page.evaluate(
      async ([url, options, sample]) => {
        const { loadGenerator } = Reflect.get(globalThis, "embed");
        try {
          const generator = await loadGenerator(url, options);
          await generator.sample(sample);
          return null;
        } catch (error) {
          const { name, code, message } = error as Error & { code: string };
          return { name, code, message };
        }
      },
      [url, options, sample] as const,
    );

  async function servedSamples(server: string, query: string): Promise<number[][]> {
    const { samples } = await jsonOf(await fetch(`${server}/sample?format=json&${query}`));
    // biome-ignore lint/suspicious/noExplicitAny: JSON
    return samples.map(({ pixels, vector }: any) => pixels ?? vector);
  }

  describe("loadGenerator", () => {
    test.each(["grey", "colour", "plane", "dcgan", "upsampled"])(
      `%s: ${SEEDS} seeds, equal to the server's to the bit`,
      async (name) => {
        await openScript();
        const seeds = Array.from({ length: SEEDS }, (_, i) => (i === 0 ? Number.MAX_SAFE_INTEGER : 31 * i));
        const drawn = await draw({ url: `/models/${name}/`, seeds, n: 3 });
        const served = seeds.map((seed) => servedSamples(`${edge.url}/models/${name}`, `n=3&seed=${seed}`));
        expect(drawn).toEqual(await Promise.all(served));
        expect(complaints).toEqual([]);
      },
    );

    test("another site's conditional int8 model: classes and temperature as on the server", async () => {
      await openScript();
      const url = `${other.url}/models/classes/manifest.json`;
      const asked = { url, seeds: [5], n: 64 };
      expect((await draw(asked))[0]).toEqual(await servedSamples(other.url, "n=64&seed=5"));
      const [ones] = await draw({ ...asked, label: "one", temperature: 0.5 });
      expect(ones).toEqual(await servedSamples(other.url, "n=64&seed=5&label=one&temperature=0.5"));
      expect(complaints).toEqual([]);
    });

    test("draws in a worker, and on the page's own thread where that is wanted", async () => {
      await openScript();
      const workers: string[] = [];
      page.on("worker", (worker) => workers.push(worker.url()));
      const inWorker = await draw({ url: "/", seeds: [7], n: 4 });
      expect(workers).toEqual([`${edge.url}/embed.js`]);
      expect(await draw({ url: "/", seeds: [7], n: 4, worker: false })).toEqual(inWorker);
      expect(workers.length).toBe(1);
    });

    test("draws on the page's own thread where workers are refused", async () => {
      const policy = "script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval'; worker-src 'none'";
      await page.addInitScript(() => {
        const refused: string[] = [];
        Reflect.set(globalThis, "refused", refused);
        addEventListener("securitypolicyviolation", (event) => {
          refused.push(Reflect.get(event, "effectiveDirective"));
        });
      });
      await openScript({ "content-security-policy": policy });
      const drawn = await draw({ url: "/", seeds: [7], n: 4 });
      expect(drawn[0]).toEqual(await servedSamples(edge.url, "n=4&seed=7"));
      // Nothing else was refused: the embed does not try `eval`.
      const refused = await page.evaluate(() => Reflect.get(globalThis, "refused") as string[]);
      expect(new Set(refused)).toEqual(new Set(["worker-src"]));
    });

    test("fetches the weights once, tells how far it is, and keeps them", async () => {
      const fetched: string[] = [];
      context.on("request", (request) => fetched.push(new URL(request.url()).pathname));
      const progress = () =>
        page.evaluate(async () => {
          const all: { loaded: number; total: number }[] = [];
          const onProgress = (each: { loaded: number; total: number }) => all.push(each);
          (await Reflect.get(globalThis, "embed").loadGenerator("/", { onProgress })).dispose();
          return all.at(-1)!;
        });
      await openScript();
      const { loaded, total } = await progress();
      const sizes = edge.grey.files.filter(
        ({ path }) => path === "model.json" || path.startsWith("weights."),
      );
      expect(total).toBe(sizes.reduce((sum, { bytes }) => sum + bytes, 0));
      expect(loaded).toBe(total);
      expect(fetched.filter((path) => path === "/weights.0.bin").length).toBe(1);

      await openScript();
      expect(await progress()).toEqual({ loaded, total });
      expect(fetched.filter((path) => path === "/weights.0.bin").length).toBe(1);
      expect(fetched.filter((path) => path === "/manifest.json").length).toBe(2);
    });

    test("interpolates from one seed's first sample to another's", async () => {
      await openScript();
      const path = await page.evaluate(async () => {
        const generator = await Reflect.get(globalThis, "embed").loadGenerator("/");
        const images = await generator.interpolate(3, { seed: 4 }, 5);
        // biome-ignore lint/suspicious/noExplicitAny: the browser's values
        return images.map((image: any) => Array.from(image.pixels as Uint8Array)) as number[][];
      });
      expect(path.length).toBe(5);
      expect(path[0]).toEqual((await servedSamples(edge.url, "n=1&seed=3"))[0]);
      expect(path[4]).toEqual((await servedSamples(edge.url, "n=1&seed=4"))[0]);
      expect(new Set(path.map(String)).size).toBe(5);
    });

    test("images become ImageData and canvases", async () => {
      await openScript();
      const { size, rgba, canvas } = await page.evaluate(async () => {
        const generator = await Reflect.get(globalThis, "embed").loadGenerator("/models/colour/");
        const [image] = await generator.sample({ seed: 1 });
        const drawn = image.toCanvas();
        const { data } = drawn.getContext("2d").getImageData(0, 0, drawn.width, drawn.height);
        return {
          size: [image.width, image.height, image.channels],
          rgba: Array.from(image.toImageData().data as Uint8ClampedArray),
          canvas: Array.from(data as Uint8ClampedArray),
        };
      });
      expect(size).toEqual([6, 8, 3]);
      expect(canvas).toEqual(rgba);
      const [pixels] = await servedSamples(`${edge.url}/models/colour`, "n=1&seed=1");
      expect(rgba.filter((_, i) => i % 4 < 3)).toEqual(pixels);
    });

    test.each([true, false])("aborts and disposes (in a worker: %s)", async (worker) => {
      await openScript();
      const [loading, drawing, disposed, alive] = await page.evaluate(async (worker) => {
        const { loadGenerator } = Reflect.get(globalThis, "embed");
        const nameOf = (promise: Promise<unknown>) =>
          promise.then(
            () => "done",
            (error: { name: string; code?: string }) => error.code || error.name,
          );
        const loading = await nameOf(loadGenerator("/", { worker, signal: AbortSignal.abort() }));
        const generator = await loadGenerator("/", { worker });
        const controller = new AbortController();
        const drawing = nameOf(generator.sample({ n: 10_000, signal: controller.signal }));
        setTimeout(() => controller.abort());
        const ended = await drawing;
        const alive = await nameOf(generator.sample({ n: 1 }));
        generator.dispose();
        return [loading, ended, await nameOf(generator.sample({ n: 1 })), alive].map(String);
      }, worker);
      // Of DOMExceptions the code is a number, 20: AbortError.
      expect([loading, drawing, disposed, alive]).toEqual(["20", "20", "disposed", "done"]);
    });
  });

  describe("errors that people understand", () => {
    let closed: Server;
    let closedUrl: string;

    /** A site that has the model, and lets no other site's page read it. */
    beforeAll(async () => {
      closed = createServer(async (_, response) => {
        response.end(await readFile(join(edge.folder, "grey/manifest.json")));
      });
      await new Promise<void>((resolve) => closed.listen(0, "127.0.0.1", resolve));
      closedUrl = `http://127.0.0.1:${(closed.address() as AddressInfo).port}`;
    });
    afterAll(() => new Promise((resolve) => closed.close(resolve)));

    test.each([true, false])("about addresses (in a worker: %s)", async (worker) => {
      await openScript();
      const cases = [
        ["missing-model", "/models/none/", /models\/none\/manifest.json: there is no model here; check/],
        ["bad-parameter", "http://", /"http:\/\/": expected a model's address/],
        ["not-a-model", "/openapi.json", /openapi.json: format version undefined/],
        ["unreachable", closedUrl, /can't be reached.*\(CORS\)/],
      ] as const;
      for (const [code, url, message] of cases) {
        const error = await failure(url, { worker });
        expect(error).toEqual({ name: "EmbedError", code, message: expect.stringMatching(message) });
      }
    });

    test("altered weights", async () => {
      await context.route("**/weights.0.bin*", async (route) => {
        const response = await route.fetch();
        const body = await response.body();
        body[0]! ^= 1;
        await route.fulfill({ response, body });
      });
      await openScript();
      const message = expect.stringMatching(/grey\/weights.0.bin: SHA-256 is .*: the file was altered/);
      expect(await failure("/")).toEqual({ name: "EmbedError", code: "altered", message });
    });

    test("a cached copy that was altered is fetched again", async () => {
      await openScript();
      await draw({ url: "/", seeds: [7] });
      const kept = await page.evaluate(async () => {
        const cache = await Reflect.get(globalThis, "caches").open("imle-edge");
        const requests: readonly Request[] = await cache.keys();
        for (const request of requests) await cache.put(request, new Response("altered"));
        return requests.map(({ url }) => url);
      });
      expect(kept).toContain(`${edge.url}/weights.0.bin?v=${edge.grey.version}`);
      expect((await draw({ url: "/", seeds: [7] }))[0]).toEqual(await servedSamples(edge.url, "n=1&seed=7"));
    });

    test("no WebAssembly SIMD", async () => {
      await page.addInitScript(() => {
        WebAssembly.validate = () => false;
      });
      await openScript();
      const error = await failure("/", { worker: false });
      expect(error).toMatchObject({ code: "unsupported-browser" });
      expect(error!.message).toMatch(/no WebAssembly SIMD/);
    });

    test("a page whose policy forbids WebAssembly", async () => {
      await openScript({ "content-security-policy": "script-src 'self' 'unsafe-inline'" });
      const error = await failure("/", { worker: false });
      expect(error!.message).toMatch(/add 'wasm-unsafe-eval' to its script-src/);
    });

    test("parameters", async () => {
      await openScript();
      const cases = [
        [{ n: 0 }, /n: expected a whole number from 1 to 10000, got 0/],
        [{ seed: -1 }, /seed: expected a whole number from 0/],
        [{ temperature: 3 }, /temperature: expected 0 to 2, got 3/],
        [{ label: "one" }, /model "grey" is not class-conditional/],
      ] as const;
      for (const [options, text] of cases) {
        const message = expect.stringMatching(text);
        expect(await failure("/", {}, options)).toEqual({
          name: "EmbedError",
          code: "bad-parameter",
          message,
        });
      }
    });
  });

  describe("<imle-sample>", () => {
    const element = () => page.locator("imle-sample");
    const button = () => page.locator("imle-sample button");
    const TAG = `<script type="module" src="/embed.js"></script>`;
    /** Notes every event, from before the script runs. The window sees no `load` of an element. */
    const LISTENER =
      "<script>globalThis.events = []; for (const type of ['load', 'sample', 'error'])" +
      " document.addEventListener(type, (event) => { if (event.target.localName === 'imle-sample')" +
      " events.push([type, event.detail]); }, true);</script>";
    const events = () =>
      page.evaluate(() => Reflect.get(globalThis, "events").map(([type]: [string]) => type) as string[]);

    /** The shown canvas, grey values only, row by row. */
    const shown = () =>
      // biome-ignore lint/suspicious/noExplicitAny: the browser's element
      page.locator("imle-sample canvas").evaluate((canvas: any) => {
        const { width, height } = canvas;
        const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
        return { width, height, data: Array.from(data as Uint8ClampedArray).filter((_, i) => i % 4 === 0) };
      });

    test("one tag draws a grid, on another site's page too", async () => {
      const script = `<script type="module" src="${edge.url}/embed.js"></script>`;
      const tag = `<imle-sample src="${edge.url}/models/grey/" n="5" seed="7" columns="5"></imle-sample>`;
      const workers: string[] = [];
      page.on("worker", (worker) => workers.push(worker.url()));
      await open(LISTENER + script + tag, {}, other.url);
      await button().waitFor();
      const { width, height, data } = await shown();
      expect([width, height]).toEqual([5 * 30 - 2, 28]);
      const samples = await servedSamples(edge.url, "n=5&seed=7");
      const third = data.filter((_, i) => i % width >= 60 && i % width < 88);
      expect(third).toEqual(samples[2]);
      expect(await events()).toEqual(["load", "sample"]);
      expect(workers[0]).toMatch(/^blob:/);
      expect(complaints).toEqual([]);
    });

    test("by keyboard: focus, and another seed at Enter and at Space", async () => {
      await open(`${LISTENER}${TAG}<imle-sample src="/" n="9" seed="7" alt="Blobs"></imle-sample>`);
      await button().waitFor();
      expect(await button().getAttribute("aria-label")).toBe("Blobs, seed 7. Draw others");
      await page.keyboard.press("Tab");
      for (const key of ["Enter", "Space"]) {
        const before = await shown();
        const drawn = (await events()).length;
        await page.keyboard.press(key);
        await expect.poll(async () => (await events()).length).toBe(drawn + 1);
        expect((await shown()).data).not.toEqual(before.data);
        const seed = await element().getAttribute("seed");
        expect(await button().getAttribute("aria-label")).toContain(`seed ${seed}`);
      }
      expect(complaints).toEqual([]);
    });

    test("attributes and properties are one, and each draws anew", async () => {
      await open(`${LISTENER}${TAG}<imle-sample src="/" seed="7"></imle-sample>`);
      await button().waitFor();
      // biome-ignore lint/suspicious/noExplicitAny: the browser's element
      await element().evaluate((each: any) =>
        Object.assign(each, { n: 4, seed: 8, src: "/models/upsampled/" }),
      );
      await expect.poll(events).toEqual(["load", "sample", "load", "sample"]);
      expect(await element().getAttribute("n")).toBe("4");
      const { width, height, data } = await shown();
      expect([width, height]).toEqual([58, 58]);
      const [first] = await servedSamples(`${edge.url}/models/upsampled`, "n=1&seed=8");
      expect(data.filter((_, i) => i % width < 28).slice(0, 784)).toEqual(first);
    });

    test("elements that show one model share its worker, which ends with the last of them", async () => {
      await open(
        `${TAG}<imle-sample src="/" seed="1"></imle-sample><imle-sample src="/" seed="2"></imle-sample>`,
      );
      await expect.poll(() => button().count()).toBe(2);
      await button().first().waitFor();
      await button().last().waitFor();
      expect(page.workers().length).toBe(1);
      // biome-ignore lint/suspicious/noExplicitAny: the browser's elements
      await element().evaluateAll((all: any[]) => {
        for (const each of all) each.remove();
      });
      await expect.poll(() => page.workers().length).toBe(0);
    });

    test("says what is wrong, and recovers", async () => {
      await open(`${LISTENER}${TAG}<imle-sample src="/models/plane/" seed="7"></imle-sample>`);
      const alert = page.locator("imle-sample [role=alert]");
      await alert.waitFor();
      expect(await alert.textContent()).toMatch(/^No samples: model "plane" draws vectors/);
      await element().evaluate((each: { src?: string }) => (each.src = "/models/none/"));
      await expect.poll(() => alert.textContent()).toMatch(/there is no model here; check the address/);
      await element().evaluate((each: { src?: string; n?: string }) => (each.src = "/"));
      await button().waitFor();
      await element().evaluate((each: { n?: string }) => (each.n = "many"));
      await expect.poll(() => alert.textContent()).toBe('No samples: n: expected a number, got "many"');
      expect(await events()).toEqual(["load", "error", "error", "load", "sample", "error"]);
    });
  });
});
