/** The edge as one Hono app. It knows web standards only, so that it runs in Workers and in Node alike. */

import { OpenAPIHono } from "@hono/zod-openapi";
import { Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import { BundleError } from "../shared/manifest.ts";
import { apiKeys } from "./api-keys.ts";
import { bundleRoutes } from "./bundle-routes.ts";
import type { ResponseCache } from "./caching.ts";
import { commonHeaders } from "./common-headers.ts";
import type { DecodeJpeg } from "./jpeg-image.ts";
import { addMethods } from "./methods.ts";
import { createModelStore, type ModelStoreOptions } from "./model-store.ts";
import { nearestRoutes, unsupportedMediaType } from "./nearest-route.ts";
import { SECURITY_SCHEMES } from "./openapi.ts";
import { addPages, addPlayground, addSlash } from "./pages.ts";
import { Problem, problemResponse } from "./problem.ts";
import { type RateLimiter, rateLimit } from "./rate-limit.ts";
import { requestLog, type WriteLog } from "./request-log.ts";
import { createRoutes } from "./routes.ts";
import { sampleRoutes } from "./sample-route.ts";
import { openApiDocument, serviceRoutes } from "./service-routes.ts";
import { type EdgeEnv, returnModels, type Services } from "./services.ts";
import type { FetchAsset } from "./storage/assets.ts";

export interface AppOptions extends ModelStoreOptions {
  /** The playground's files. */
  readonly fetchAsset: FetchAsset;
  readonly decodeJpeg: DecodeJpeg;
  /** Keeps samples that never change; left out: every one is drawn. */
  readonly responseCache?: ResponseCache | undefined;
  /** `name=key`, several separated by commas; left out: no key is needed. */
  readonly apiKeys?: string | undefined;
  /** Left out: nobody is refused. */
  readonly rateLimiter?: RateLimiter | undefined;
  /** Which requests are logged: off, error (the default), warn or info. */
  readonly logLevel?: string | undefined;
  /** Left out: to the console. */
  readonly writeLog?: WriteLog | undefined;
}

/** A failed read is not kept: whoever comes back later has it tried again. */
const RETRY_SECONDS = "5";

/** The app with the types of its routes, for `client.ts`. */
export type App = ReturnType<typeof createApp>;

/** @throws Error if an option can't be used */
export function createApp(options: AppOptions) {
  const services: Services = {
    store: createModelStore(options),
    fetchAsset: options.fetchAsset,
    decodeJpeg: options.decodeJpeg,
    responseCache: options.responseCache ?? null,
  };
  const needsKey = options.apiKeys !== undefined;
  const app = new OpenAPIHono<EdgeEnv>();
  for (const [name, scheme] of Object.entries(SECURITY_SCHEMES)) {
    app.openAPIRegistry.registerComponent("securitySchemes", name, scheme);
  }
  const document = () => openApiDocument(app, needsKey);
  app.use(requestLog(options.logLevel ?? "error", options.writeLog));
  app.use(commonHeaders);
  app.use(returnModels);

  // Pages and what tells how the service is doing are open to all; what follows asks for a key, if there are any.
  const service = app.route("/", serviceRoutes(services, document));
  addPages(app, services, document);
  addPlayground(app, "/", services);
  addPlayground(app, "/models/:name/", services);
  addSlash(app, "/models/:name");
  if (options.apiKeys !== undefined) app.use(apiKeys(options.apiKeys));

  const complete = service.route("/", modelRoutes(services, options));
  // A plain Hono in between keeps the named models' copies out of /openapi.json.
  app.route("/models/:name", new Hono<EdgeEnv>().route("/", modelRoutes(services, options)));

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
    return problemResponse(new Problem("internal", "the server failed; its log says why"));
  });
  return complete;
}

function modelRoutes(services: Services, { rateLimiter }: AppOptions) {
  const routes = createRoutes();
  if (rateLimiter) {
    // What costs processor time counts; pictures of training examples, of which a page has many, don't.
    for (const path of ["/sample", "/nearest"]) routes.use(path, rateLimit(rateLimiter));
  }
  return routes
    .route("/", sampleRoutes(services))
    .route("/", nearestRoutes(services))
    .route("/", bundleRoutes(services));
}
