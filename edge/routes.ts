import { OpenAPIHono } from "@hono/zod-openapi";
import { describeIssue } from "./parameters.ts";
import { Problem } from "./problem.ts";
import type { EdgeEnv } from "./services.ts";

/** A group of routes to which others are added; what their schemas refuse is a problem of the caller's. */
export function createRoutes(): OpenAPIHono<EdgeEnv> {
  return new OpenAPIHono<EdgeEnv>({
    defaultHook: (result) => {
      if (result.success) return;
      const detail = describeIssue(result.error, (result as { data?: unknown }).data);
      throw result.target === "json"
        ? new Problem("bad-body", `nearest: ${detail}`)
        : new Problem("bad-parameter", detail);
    },
  });
}
