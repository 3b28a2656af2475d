/** One JSON line a request, and what it took to the client: x-request-id and Server-Timing. */

import type { Context, MiddlewareHandler } from "hono";
import { routePath } from "hono/route";
import { BundleError } from "../shared/manifest.ts";
import { Problem } from "./problem.ts";
import type { EdgeEnv } from "./services.ts";

/** off: nothing. error: answers of status 500 and above. warn: of 400 and above. info: all. */
export const LOG_LEVELS = ["off", "error", "warn", "info"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
type Severity = Exclude<LogLevel, "off">;

/** Takes one line, without its end. */
export type WriteLog = (severity: Severity, line: string) => void;

/** A client's own identifier is taken over if it can't forge a line or a header. */
const REQUEST_ID = /^[\w=-]{1,64}$/;

/**
 * The line has no path, no query and no header, as those may hold what is secret; the route says which kind of
 * request it was. On Cloudflare the clock stands still while a Worker computes, so that only waiting counts.
 *
 * @throws Error if there is no such level
 */
export function requestLog(
  level: string,
  write: WriteLog = (severity, line) => console[severity](line),
): MiddlewareHandler<EdgeEnv> {
  const threshold = LOG_LEVELS.indexOf(level as LogLevel);
  if (threshold < 0)
    throw new Error(`LOG_LEVEL: expected ${LOG_LEVELS.join(", ")}, got ${JSON.stringify(level)}`);
  return async (c, next) => {
    const given = c.req.header("x-request-id");
    const requestId = given && REQUEST_ID.test(given) ? given : crypto.randomUUID();
    const start = performance.now();
    await next();
    const ms = rounded(performance.now() - start);
    c.res.headers.set("x-request-id", requestId);
    c.res.headers.set("server-timing", `total;dur=${ms}, load;dur=${rounded(c.get("loadMs") ?? 0)}`);
    const { status } = c.res;
    const severity = status >= 500 ? "error" : status >= 400 ? "warn" : "info";
    if (LOG_LEVELS.indexOf(severity) <= threshold) {
      write(severity, JSON.stringify(logEntry(c, severity, requestId, ms)));
    }
  };
}

function logEntry(c: Context<EdgeEnv>, level: Severity, requestId: string, ms: number): object {
  const { error, res } = c;
  const bytes = res.headers.get("content-length");
  return {
    time: new Date().toISOString(),
    level,
    requestId,
    method: c.req.method,
    // The last that the path matches: the route itself, whoever answered before it.
    route: routePath(c, -1),
    status: res.status,
    ms,
    loadMs: rounded(c.get("loadMs") ?? 0),
    bytes: bytes === null ? null : Number(bytes),
    model: c.get("model") ?? null,
    cache: c.get("cache") ?? null,
    client: c.get("client") ?? null,
    ...(error instanceof Problem && { code: error.code }),
    ...(error && res.status >= 500 && { error: expected(error) ? error.message : error.stack }),
  };
}

/** Its message says all there is to know. */
function expected(error: Error): boolean {
  return error instanceof Problem || error instanceof BundleError;
}

function rounded(ms: number): number {
  return Math.round(ms * 100) / 100;
}
