/** The edge as one Hono app. It knows web standards only, so that it runs in Workers and in Node alike. */

import { OpenAPIHono } from "@hono/zod-openapi";
import { Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import { BundleError } from "../shared/manifest.ts";
import { addBundleRoutes } from "./bundle-routes.ts";
import type { DecodeJpeg } from "./jpeg-image.ts";
import { addMethods } from "./methods.ts";
import { createModelStore, type ModelStoreOptions } from "./model-store.ts";
import { addNearestRoute, unsupportedMediaType } from "./nearest-route.ts";
import { addPages, addPlayground } from "./pages.ts";
import { describeIssue } from "./parameters.ts";
import { Problem, problemResponse } from "./problem.ts";
import { addSampleRoute } from "./sample-route.ts";
import { addServiceRoutes, openApiDocument } from "./service-routes.ts";
import { type EdgeEnv, returnModels, type Services } from "./services.ts";
import type { FetchAsset } from "./storage/assets.ts";

export interface AppOptions extends ModelStoreOptions {
  /** The playground's files. */
  readonly fetchAsset: FetchAsset;
  readonly decodeJpeg: DecodeJpeg;
}

/** A failed read is not kept: whoever comes back later has it tried again. */
const RETRY_SECONDS = "5";

export function createApp(options: AppOptions): OpenAPIHono<EdgeEnv> {
  const services: Services = {
    store: createModelStore(options),
    fetchAsset: options.fetchAsset,
    decodeJpeg: options.decodeJpeg,
  };
  const app = new OpenAPIHono<EdgeEnv>();
  app.use(async (c, next) => {
    await next();
    setCommonHeaders(c.req.method, c.res.headers);
  });
  app.use(returnModels);
  addServiceRoutes(app, services);
  addPages(app, services, () => openApiDocument(app));

  app.route("/", modelRoutes(services));
  addPlayground(app, "/", services);
  // A plain Hono in between keeps the named models' copies out of /openapi.json.
  app.route("/models/:name", new Hono<EdgeEnv>().route("/", modelRoutes(services)));
  addPlayground(app, "/models/:name/", services);

  addMethods(app);
  app.notFound((c) =>
    problemResponse(
      new Problem(
        "not-found",
        `${c.req.method} ${c.req.path.slice(0, 100)}: no such route; /docs lists them`,
      ),
    ),
  );
  app.onError((error, c) => {
    if (error instanceof Problem) return problemResponse(error);
    if (error instanceof BundleError) {
      return problemResponse(
        new Problem("model-unavailable", error.message, { "retry-after": RETRY_SECONDS }),
      );
    }
    if (error instanceof HTTPException && error.status === 415) {
      return problemResponse(new Problem("unsupported-media-type", unsupportedMediaType(c)));
    }
    if (error instanceof HTTPException && error.status < 500) {
      return problemResponse(new Problem("bad-body", `nearest: ${error.message}`));
    }
    console.error(error);
    return problemResponse(new Problem("internal", "the server failed; its log says why"));
  });
  return app;
}

function modelRoutes(services: Services): OpenAPIHono<EdgeEnv> {
  const routes = new OpenAPIHono<EdgeEnv>({
    defaultHook: (result) => {
      if (result.success) return;
      const detail = describeIssue(result.error, (result as { data?: unknown }).data);
      throw result.target === "json"
        ? new Problem("bad-body", `nearest: ${detail}`)
        : new Problem("bad-parameter", detail);
    },
  });
  addSampleRoute(routes, services);
  addNearestRoute(routes, services);
  addBundleRoutes(routes, services);
  return routes;
}

/** CORS is on for reading; nothing that a browser might guess or leak. */
function setCommonHeaders(method: string, headers: Headers): void {
  if (method === "GET" || method === "HEAD") {
    headers.set("access-control-allow-origin", "*");
    headers.set("access-control-expose-headers", "etag, x-imle-seed");
  }
  headers.set("cross-origin-resource-policy", "cross-origin");
  headers.set("referrer-policy", "no-referrer");
  headers.set("x-content-type-options", "nosniff");
  if (!headers.has("content-security-policy")) headers.set("content-security-policy", "default-src 'none'");
}
