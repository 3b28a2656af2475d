import type { MiddlewareHandler } from "hono";
import { Problem } from "./problem.ts";
import type { EdgeEnv } from "./services.ts";

/** Counts requests by key. Cloudflare's rate limiting binding is one. */
export interface RateLimiter {
  limit(request: { readonly key: string }): Promise<{ readonly success: boolean }>;
}

/** The longer of the periods that Cloudflare's binding knows: after it every count has begun anew. */
const RETRY_AFTER_SECONDS = 60;

/**
 * Refuses who asks too often: by the name of their API key, else by their address. Requests whose address isn't
 * known count together.
 */
export function rateLimit(limiter: RateLimiter): MiddlewareHandler<EdgeEnv> {
  return async (c, next) => {
    if (c.req.method === "OPTIONS") return next();
    const name = c.get("client");
    const key = name === undefined ? `address ${c.env?.clientAddress ?? "unknown"}` : `key ${name}`;
    const { success } = await limiter.limit({ key });
    if (!success) {
      throw new Problem("too-many-requests", `${key}: ask again in ${RETRY_AFTER_SECONDS} seconds`, {
        "retry-after": String(RETRY_AFTER_SECONDS),
      });
    }
    return next();
  };
}
