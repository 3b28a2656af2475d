import type { MiddlewareHandler } from "hono";
import type { EdgeEnv } from "./services.ts";

/** CORS is on for reading: what other sites' scripts may see of an answer. */
const READABLE = {
  "access-control-allow-origin": "*",
  "access-control-expose-headers":
    "etag, retry-after, server-timing, cache-status, x-imle-seed, x-request-id",
  "timing-allow-origin": "*",
};

/** Nothing that a browser might guess, frame or leak. */
const SAFE = {
  "cross-origin-resource-policy": "cross-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

const POLICY = { "content-security-policy": "default-src 'none'; frame-ancestors 'none'" };

/** For answers to GET that are asked for often: in workerd a header that is added later costs half as much again. */
export const GET_HEADERS: Readonly<Record<string, string>> = { ...READABLE, ...SAFE, ...POLICY };

/** Gives every answer the headers that it needs, unless it was made with them. */
export const commonHeaders: MiddlewareHandler<EdgeEnv> = async (c, next) => {
  await next();
  const { headers, status } = c.res;
  if (headers.has("x-content-type-options")) return;
  const isRead = c.req.method === "GET" || c.req.method === "HEAD";
  // The headers of a 304 replace those that the client has kept: it has the policy already.
  const hasPolicy = headers.has("content-security-policy") || status === 304;
  const missing = { ...(isRead && READABLE), ...SAFE, ...(!hasPolicy && POLICY) };
  for (const [name, value] of Object.entries(missing)) headers.set(name, value);
};
