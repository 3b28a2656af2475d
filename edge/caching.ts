/** Freshness, entity tags and conditional requests (RFC 9110, RFC 9111). */

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

/**
 * The response with its caching headers, or 304 without making it where the client has it already.
 *
 * @param tag names the content among all that this server ever answers; null: no entity tag
 */
export async function cached(
  request: Request,
  freshness: Freshness,
  tag: string | null,
  makeResponse: () => Promise<Response>,
): Promise<Response> {
  const etag = tag && `"${tag}"`;
  const matches = etag && hasTag(request.headers.get("if-none-match"), etag);
  const response = matches ? new Response(null, { status: 304 }) : await makeResponse();
  response.headers.set("cache-control", CACHE_CONTROL[freshness]);
  if (etag) response.headers.set("etag", etag);
  return response;
}

/** If-None-Match's weak comparison: proxies that compress turn a strong tag into a weak one. */
function hasTag(header: string | null, etag: string): boolean {
  if (header === null) return false;
  return header.split(",").some((item) => {
    const tag = item.trim();
    return tag === "*" || tag === etag || tag === `W/${etag}`;
  });
}
