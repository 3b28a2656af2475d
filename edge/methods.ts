import type { Hono } from "hono";
import { Problem } from "./problem.ts";
import type { EdgeEnv } from "./services.ts";

/**
 * Answers OPTIONS, and 405 for every method that a path does not have. Call after all routes are there.
 *
 * Browsers on other sites may read (GET, HEAD); /nearest costs the server work, so they may not post to it.
 */
export function addMethods(app: Hono<EdgeEnv>): void {
  const methodsByPath = new Map<string, Set<string>>();
  for (const { path, method } of app.routes) {
    if (method === "ALL") continue; // middleware
    const methods = methodsByPath.get(path) ?? new Set();
    methodsByPath.set(path, methods.add(method));
    if (method === "GET") methods.add("HEAD"); // Hono answers it with GET's handler
  }
  for (const [path, methods] of methodsByPath) {
    const allow = [...methods, "OPTIONS"].join(", ");
    const readable = [...methods].filter((method) => method === "GET" || method === "HEAD");
    app.options(path, () => {
      const cors = {
        "access-control-allow-origin": "*",
        "access-control-allow-methods": readable.join(", "),
        "access-control-allow-headers": "accept, authorization, if-none-match, x-api-key, x-request-id",
        "access-control-max-age": "86400",
      };
      return new Response(null, { status: 204, headers: { allow, ...(readable.length > 0 && cors) } });
    });
    app.all(path, (c) => {
      const detail = `${c.req.method} ${c.req.path.slice(0, 100)}: expected ${allow}`;
      throw new Problem("method-not-allowed", detail, { allow });
    });
  }
}
