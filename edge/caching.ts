/** Freshness, entity tags, conditional requests (RFC 9110, RFC 9111), and answers kept by the host. */

import type { Context } from "hono";
import { type EdgeEnv, keepAlive } from "./services.ts";

/**
 * immutable: the URL names the exact version. short: the answer may change with the next model.
 * revalidate: ask every time. none: a random draw, never to be seen again.
 */
export type Freshness = "immutable" | "short" | "revalidate" | "none";

const CACHE_CONTROL: Record<Freshness, string> = {
  immutable: "public, max-age=31536000, immutable",
  short: "public, max-age=300",
  revalidate: "public, no-cache",
  none: "no-store",
};

/** Keeps answers between requests: the web's Cache, as far as it is needed here. */
export interface ResponseCache {
  match(url: string): Promise<Response | undefined>;
  put(url: string, response: Response): Promise<void>;
}

export interface Caching {
  readonly freshness: Freshness;
  /** Names the content among all that this URL ever answers; null: no entity tag. */
  readonly tag: string | null;
  /** Where the answer is kept, if it is immutable. */
  readonly keptIn?: ResponseCache | null;
  /** Others that every answer has, one without a body too. */
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * The response with its caching headers, or 304 without making it where the client has it already.
 *
 * @param makeResponse makes it with the headers that it is given
 */
export async function cached(
  c: Context<EdgeEnv>,
  { freshness, tag, keptIn, headers: own }: Caching,
  makeResponse: (headers: Readonly<Record<string, string>>) => Promise<Response>,
): Promise<Response> {
  const headers = { "cache-control": CACHE_CONTROL[freshness], ...(tag && { etag: `"${tag}"` }), ...own };
  if (tag && hasTag(c.req.header("if-none-match"), `"${tag}"`)) {
    return new Response(null, { status: 304, headers });
  }
  const makeFresh = () => makeResponse(headers);
  return tag && keptIn && freshness === "immutable" ? kept(c, keptIn, tag, makeFresh) : makeFresh();
}

/**
 * The kept answer, or a new one that is kept. A cache that fails is one that has nothing.
 *
 * Named by path and tag: a tag covers all that the answer depends on, the negotiated format too, which Cloudflare's
 * cache would not tell apart; and parameters in another order find the same answer.
 */
async function kept(
  c: Context<EdgeEnv>,
  cache: ResponseCache,
  tag: string,
  makeResponse: () => Promise<Response>,
): Promise<Response> {
  const url = new URL(`?${encodeURIComponent(tag)}`, c.req.url).href;
  const hit = await cache.match(url).catch(() => undefined);
  c.set("cache", hit ? "hit" : "miss");
  const response = hit ? new Response(hit.body, hit) : await makeResponse();
  if (!hit) {
    keepAlive(c)(cache.put(url, response.clone()).catch(() => {}));
  }
  // RFC 9211
  response.headers.set("cache-status", `imle-edge; ${hit ? "hit" : "fwd=uri-miss; stored"}`);
  return response;
}

/** If-None-Match's weak comparison: proxies that compress turn a strong tag into a weak one. */
function hasTag(header: string | undefined, etag: string): boolean {
  return (header ?? "").split(",").some((item) => {
    const tag = item.trim();
    return tag === "*" || tag === etag || tag === `W/${etag}`;
  });
}
