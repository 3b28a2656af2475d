/** The pages in examples/ in a real browser, as they are but for the server's address. Libraries come from node_modules. */

import { copyFile, cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { build } from "vite";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { complaintsOf, hasChromium, launchChromium, withoutChromium } from "./browser.ts";
import { bytesOf, type EdgeClient, startEdge } from "./edge-client.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const SITE = "https://example.org";
/** What the examples take for the server. */
const SERVER = "http://localhost:8787";
const MEDIA_TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
};

describe.skipIf(!hasChromium)(`example pages in Chromium${withoutChromium}`, () => {
  let folder: string;
  let edge: EdgeClient;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let complaints: string[];
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "imle-examples-"));
    edge = await startEdge();
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser?.close();
    await edge?.close();
    await rm(folder, { recursive: true, force: true });
  });
  beforeEach(async () => {
    context = await browser.newContext();
    page = await context.newPage();
    complaints = complaintsOf(page);
  });
  afterEach(() => context.close());

  /** Opens index.html of a folder, as another site's page. @param server where the page finds the model */
  async function open(directory: string, server = edge.url): Promise<void> {
    await context.route(`${SITE}/**`, async (route) => {
      const { pathname } = new URL(route.request().url());
      const file = join(directory, pathname === "/" ? "index.html" : pathname);
      const content = await readFile(file).catch(() => null);
      const contentType = MEDIA_TYPES[extname(file)] ?? "application/octet-stream";
      if (content === null) await route.fulfill({ status: pathname === "/favicon.ico" ? 204 : 404 });
      else if (!contentType.startsWith("text/")) await route.fulfill({ contentType, body: content });
      else await route.fulfill({ contentType, body: String(content).replaceAll(SERVER, server) });
    });
    // The CDN's addresses name a package, its version and a file of it.
    await context.route("https://cdn.jsdelivr.net/npm/**", async (route) => {
      const [, name, version, path] = /\/npm\/((?:@[^/]+\/)?[^/@]+)@([^/]+)\/(.+)$/.exec(
        route.request().url(),
      )!;
      const directory = join(root, "node_modules", name!);
      const installed = JSON.parse(await readFile(join(directory, "package.json"), "utf8"));
      expect(version).toBe(installed.version);
      await route.fulfill({
        contentType: MEDIA_TYPES[extname(path!)]!,
        headers: { "access-control-allow-origin": "*" },
        body: await readFile(join(directory, path!)),
      });
    });
    await page.goto(`${SITE}/`);
  }

  const example = (name: string) => join(root, "examples", name);

  /** How many different grey values each canvas shows. */
  const variety = () =>
    // biome-ignore lint/suspicious/noExplicitAny: the browser's elements
    page.locator("canvas").evaluateAll((all: any[]) =>
      all.map((canvas) => {
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        return new Set((data as Uint8ClampedArray).filter((_, i) => i % 4 === 0)).size;
      }),
    );

  test.each(["tfjs-page", "onnx-web-page"])("%s", async (name) => {
    await open(example(name));
    await expect.poll(() => page.locator("canvas").count()).toBe(16);
    for (const values of await variety()) expect(values).toBeGreaterThan(10);
    expect(complaints).toEqual([]);
  });

  test.each(["from the server", "copied to the site, with the model"])("static-embed, %s", async (where) => {
    const site = join(folder, "site");
    if (where === "from the server") await open(example("static-embed"));
    else {
      await cp(join(edge.folder, "grey"), site, { recursive: true });
      await writeFile(join(site, "embed.js"), await bytesOf(await edge.get("/embed.js")));
      await copyFile(join(example("static-embed"), "index.html"), join(site, "index.html"));
      await open(site, SITE);
    }
    const button = page.getByRole("button", { name: "Characters, seed 7. Draw others" });
    await button.click();
    await button.waitFor({ state: "detached" });
    expect(complaints).toEqual([]);
  });

  test("react, bundled by Vite", async () => {
    const built = join(folder, "react");
    // Vitest sets "test", and React would be the one for developers.
    vi.stubEnv("NODE_ENV", "production");
    await build({
      root: example("react"),
      logLevel: "error",
      build: {
        outDir: built,
        emptyOutDir: true,
        // The package's embed is what the server serves.
        rolldownOptions: {
          external: ["imle-edge/embed"],
          output: { paths: { "imle-edge/embed": `${SERVER}/embed.js` } },
        },
      },
    });
    vi.unstubAllEnvs();
    await open(built);
    await expect.poll(() => page.locator("canvas").count()).toBe(16);
    for (const values of await variety()) expect(values).toBeGreaterThan(10);
    await page.getByRole("button", { name: "Others than seed 7’s" }).click();
    await page.getByRole("button", { name: "Others than seed 8’s" }).waitFor();
    expect(complaints).toEqual([]);
  });
});
