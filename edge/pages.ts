/** GET / (the playground, at every model's address too), its script and style, GET /embed.js, and GET /docs. */

import type { Context, Hono } from "hono";
import { sha256Hex } from "../shared/sha256.ts";
import { cached } from "./caching.ts";
import { docsPage } from "./docs-page.ts";
import { Problem } from "./problem.ts";
import { type EdgeEnv, requestedModel, type Services } from "./services.ts";
import type { FetchAsset } from "./storage/assets.ts";

/** Nothing from anywhere else; pictures may be drawn from memory, by our kernel. */
const PAGE_POLICY =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' blob: data:; " +
  "connect-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const PAGE_HEADERS = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy": PAGE_POLICY,
  "cache-control": "public, no-cache",
};

const PLAYGROUND_FILES = {
  "playground.js": "text/javascript; charset=utf-8",
  "playground.css": "text/css; charset=utf-8",
} as const;

/** What the embed's worker may do: it is this file again, and reads models from anywhere. */
const EMBED_POLICY =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src *; frame-ancestors 'none'";

/** The playground of the default model or, under /models/:name, of any; browsers are told of a missing one by it. */
export function addPlayground(
  app: Hono<EdgeEnv>,
  path: string,
  services: Services,
  fetchAsset: FetchAsset,
): void {
  app.get(path, async (c) => {
    let status = 200;
    try {
      await requestedModel(c, services);
    } catch (error) {
      const isMissing = error instanceof Problem && error.code === "unknown-model";
      if (!isMissing || !wantsPage(c)) throw error;
      status = 404;
    }
    return new Response(await page(fetchAsset, "playground/index.html"), { status, headers: PAGE_HEADERS });
  });
}

/** People who leave out the last slash are brought there: what the page asks for is beside it. */
export function addSlash(app: Hono<EdgeEnv>, path: string): void {
  app.get(path, (c) => {
    if (!wantsPage(c)) return c.notFound();
    const { pathname, search } = new URL(c.req.url);
    return c.redirect(`${pathname.split("/").at(-1)}/${search}`, 308);
  });
}

export function addPages(app: Hono<EdgeEnv>, fetchAsset: FetchAsset, openApi: () => object): void {
  for (const [file, mediaType] of Object.entries(PLAYGROUND_FILES)) {
    app.get(`/${file}`, async () => {
      return new Response(await page(fetchAsset, `playground/${file}`), {
        headers: { "content-type": mediaType, "cache-control": "public, no-cache" },
      });
    });
  }
  addEmbed(app, fetchAsset);
  app.get("/docs", (_: Context) => new Response(docsPage(openApi()), { headers: PAGE_HEADERS }));
}

function wantsPage(c: Context): boolean {
  return c.req.header("accept")?.includes("text/html") ?? false;
}

/** The embed; `?v=` its entity tag names these very bytes, for ever. */
function addEmbed(app: Hono<EdgeEnv>, fetchAsset: FetchAsset): void {
  const file = "embed/embed.js";
  let tag: string | null = null;
  app.get("/embed.js", async (c) => {
    tag ??= await contentTag(await page(fetchAsset, file));
    const freshness = c.req.query("v") === tag ? "immutable" : "revalidate";
    return cached(c, { freshness, tag }, async (headers) => {
      return new Response(await page(fetchAsset, file), {
        headers: {
          ...headers,
          "content-type": "text/javascript; charset=utf-8",
          "content-security-policy": EMBED_POLICY,
        },
      });
    });
  });
}

async function contentTag(content: ReadableStream | null): Promise<string> {
  return (await sha256Hex(new Uint8Array(await new Response(content).arrayBuffer()))).slice(0, 16);
}

async function page(fetchAsset: FetchAsset, file: string): Promise<ReadableStream | null> {
  const response = await fetchAsset(file);
  if (!response.ok) throw new Problem("not-found", `${file} was not built with this server`);
  return response.body;
}
