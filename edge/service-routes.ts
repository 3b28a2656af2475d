/** GET /models, /healthz, /openapi.json: what is served here, and whether it works. */

import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { version } from "../shared/version.ts";
import { generatorEngine, servedWeights } from "./generator.ts";
import { problems, SECURITY_SCHEMES } from "./openapi.ts";
import { createRoutes } from "./routes.ts";
import { defaultModel, type EdgeEnv, keepAlive, type Services, shared } from "./services.ts";

const modelsRoute = createRoute({
  method: "get",
  path: "/models",
  summary: "The served models",
  description:
    "Every route of a model lives under /models/{name} too; without that, the default model answers.",
  responses: {
    200: {
      description: "The models, the default one first",
      content: {
        "application/json": {
          schema: z.object({
            default: z.string(),
            models: z.array(
              z.object({
                name: z.string(),
                version: z.string(),
                kind: z.enum(["image", "vector"]),
                shape: z.array(z.int()),
                url: z.string(),
              }),
            ),
          }),
        },
      },
    },
    ...problems("model-unavailable"),
  },
});

const healthRoute = createRoute({
  method: "get",
  path: "/healthz",
  summary: "Whether the service works",
  responses: {
    200: {
      description: "It does",
      content: {
        "application/json": {
          schema: z.object({
            status: z.literal("ok"),
            model: z.string(),
            generator: z.enum(["wasm", "tfjs"]).openapi({ description: "What the default model runs on." }),
            weights: z
              .enum(["float32", "float16", "int8"])
              .openapi({ description: "What its weights are stored as." }),
          }),
        },
      },
    },
    ...problems("model-unavailable"),
  },
});

/** @param openApi the document, asked for once all routes are there */
export function serviceRoutes({ store, basePath }: Services, openApi: () => object) {
  const routes = createRoutes()
    .openapi(modelsRoute, async (c) => {
      const names = await shared(c, store.names(keepAlive(c)));
      const models = await Promise.all(names.map((name) => shared(c, store.model(name, keepAlive(c)))));
      const list = models.map(({ manifest: { name, version, output } }) => ({
        name,
        version,
        kind: output.kind,
        shape: [...output.shape],
        url: `${basePath}/models/${name}/`,
      }));
      return c.json({ default: names[0]!, models: list }, 200, { "cache-control": "public, no-cache" });
    })
    .openapi(healthRoute, async (c) => {
      const model = await shared(c, defaultModel(c, store));
      const health = {
        status: "ok" as const,
        model: model.id,
        generator: generatorEngine(model.manifest),
        weights: servedWeights(model.manifest),
      };
      return c.json(health, 200, { "cache-control": "no-store" });
    });
  routes.get("/openapi.json", (c) => c.json(openApi(), 200, { "cache-control": "public, max-age=300" }));
  return routes;
}

/**
 * @param basePath where the paths begin
 * @param needsKey whether the server is configured to ask for API keys
 */
export function openApiDocument(app: OpenAPIHono<EdgeEnv>, basePath: string, needsKey: boolean): object {
  return app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "imle-edge",
      version: version,
      description:
        "Draws samples from a trained generator, and tells whether an " +
        "example is a copy of a training example.",
    },
    ...(basePath && { servers: [{ url: basePath }] }),
    ...(needsKey && { security: Object.keys(SECURITY_SCHEMES).map((scheme) => ({ [scheme]: [] })) }),
  });
}
