/** GET / (the playground, at every model's address too), its script and style, and GET /docs. */

import type { Context, Hono } from "hono";
import { docsPage } from "./docs-page.ts";
import { Problem } from "./problem.ts";
import { type EdgeEnv, requestedModel, type Services } from "./services.ts";

/** Nothing from anywhere else; pictures may be drawn from memory. */
const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; " +
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

/** The playground of the default model or, under /models/:name, of any. */
export function addPlayground(app: Hono<EdgeEnv>, path: string, { store, fetchAsset }: Services): void {
  app.get(path, async (c) => {
    await requestedModel(c, store);
    return new Response(await playgroundFile(fetchAsset, "index.html"), { headers: PAGE_HEADERS });
  });
}

export function addPages(app: Hono<EdgeEnv>, { fetchAsset }: Services, openApi: () => object): void {
  for (const [file, mediaType] of Object.entries(PLAYGROUND_FILES)) {
    app.get(`/${file}`, async () => {
      return new Response(await playgroundFile(fetchAsset, file), {
        headers: { "content-type": mediaType, "cache-control": "public, no-cache" },
      });
    });
  }
  app.get("/docs", (_: Context) => new Response(docsPage(openApi()), { headers: PAGE_HEADERS }));
}

async function playgroundFile(
  fetchAsset: Services["fetchAsset"],
  file: string,
): Promise<ReadableStream | null> {
  const response = await fetchAsset(`playground/${file}`);
  if (!response.ok) throw new Problem("not-found", `the playground's ${file} was not built with this server`);
  return response.body;
}
