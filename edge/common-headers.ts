import type { MiddlewareHandler } from "hono";
import type { EdgeEnv } from "./services.ts";

/** What other sites' scripts may see of an answer. */
const EXPOSED = "etag, retry-after, server-timing, cache-status, x-imle-seed, x-request-id";

/** CORS is on for reading; nothing that a browser might guess, frame or leak. */
export const commonHeaders: MiddlewareHandler<EdgeEnv> = async (c, next) => {
  await next();
  const { headers } = c.res;
  if (c.req.method === "GET" || c.req.method === "HEAD") {
    headers.set("access-control-allow-origin", "*");
    headers.set("access-control-expose-headers", EXPOSED);
    headers.set("timing-allow-origin", "*");
  }
  headers.set("cross-origin-resource-policy", "cross-origin");
  headers.set("referrer-policy", "no-referrer");
  headers.set("x-content-type-options", "nosniff");
  // The headers of a 304 replace those that the client has kept: it has the policy already.
  if (!headers.has("content-security-policy") && c.res.status !== 304) {
    headers.set("content-security-policy", "default-src 'none'; frame-ancestors 'none'");
  }
};
