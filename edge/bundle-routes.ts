/** GET /manifest.json, /train/:index.png, and the bundle's raw files, for embedding the generator elsewhere. */

import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { encodePng } from "../shared/png.ts";
import { cached } from "./caching.ts";
import { binary, modelProblems, notModified } from "./openapi.ts";
import { versionQuery } from "./parameters.ts";
import { Problem } from "./problem.ts";
import { createRoutes } from "./routes.ts";
import { type EdgeEnv, requestedModel, type Services, shared } from "./services.ts";
import { sized } from "./sized.ts";

const manifestRoute = createRoute({
  method: "get",
  path: "/manifest.json",
  summary: "What the model is",
  description: "The bundle's manifest; its `version` names the exact model.",
  request: { query: versionQuery },
  responses: {
    200: {
      description: "The manifest",
      content: {
        "application/json": {
          schema: z.object({ name: z.string(), version: z.string() }).openapi({ additionalProperties: true }),
        },
      },
    },
    ...notModified,
    ...modelProblems(),
  },
});

const trainRoute = createRoute({
  method: "get",
  path: "/train/{file}",
  summary: "A training example's picture",
  request: {
    params: z.object({ file: z.string().openapi({ description: "The example's index and .png: 4711.png" }) }),
    query: versionQuery,
  },
  responses: {
    200: { description: "The picture", content: { "image/png": binary } },
    ...notModified,
    ...modelProblems("not-found", "no-training-examples"),
  },
});

const FILES = {
  "model.json": "application/json",
  "model.onnx": "application/octet-stream",
  "preview.png": "image/png",
} as const;

const fileRoute = <const F extends keyof typeof FILES>(file: F, summary: string) =>
  createRoute({
    method: "get",
    path: `/${file}`,
    summary,
    request: { query: versionQuery },
    responses: {
      200: { description: "The file", content: { [FILES[file]]: binary } },
      ...notModified,
      ...modelProblems("not-found"),
    },
  });

export function bundleRoutes(services: Services) {
  const routes = createRoutes()
    .openapi(manifestRoute, async (c) => {
      const { model } = await requestedModel(c, services);
      const { v } = c.req.valid("query");
      const caching = { freshness: v ? "immutable" : "revalidate", tag: model.manifest.version } as const;
      return cached(c, caching, async (headers) => sized(model.manifestText, "application/json", headers));
    })
    .openapi(trainRoute, async (c) => {
      const { model } = await requestedModel(c, services);
      const { file } = c.req.valid("param");
      const { output, version, name } = model.manifest;
      const training = await shared(c, model.trainingExamples());
      const { rowCount } = training.search;
      const index = /^\d{1,10}\.png$/.test(file) ? Number(file.slice(0, -4)) : Number.NaN;
      if (output.kind !== "image") {
        throw new Problem(
          "not-found",
          `train/${file}: the examples of model "${name}" are vectors, not images`,
        );
      }
      if (!(index < rowCount)) {
        throw new Problem("not-found", `train/${file}: expected 0.png to ${rowCount - 1}.png`);
      }
      const { v } = c.req.valid("query");
      const caching = { freshness: v ? "immutable" : "short", tag: `${version}-train-${index}` } as const;
      return cached(c, caching, async (headers) => {
        const [height, width, channels] = output.shape;
        const data = (await training.search.row(index)) as Uint8Array;
        return sized(encodePng({ height, width, channels, data }), "image/png", headers);
      });
    })
    .openapi(fileRoute("model.json", "The generator, for tf.loadLayersModel"), (c) => file(c, "model.json"))
    .openapi(fileRoute("model.onnx", "The generator, for ONNX Runtime"), (c) => file(c, "model.onnx"))
    .openapi(fileRoute("preview.png", "A grid of samples"), (c) => file(c, "preview.png"));
  // The weights that model.json names, and those that the manifest does: one file each, as model.onnx is one; and what
  // real examples' test statistics are, which the playground plots. Were their path a pattern, Hono's fast router would
  // give up, and every request take 25 µs longer.
  for (const path of ["weights.0.bin", "generator.0.bin", "calibration.bin"])
    routes.get(`/${path}`, (c) => file(c, path));
  return routes;

  async function file(c: Context<EdgeEnv>, path: string): Promise<Response> {
    const { model } = await requestedModel(c, services);
    const entry = model.manifest.files.find((listed) => listed.path === path);
    if (!entry) {
      throw new Problem(
        "not-found",
        `${path}: the bundle of model "${model.manifest.name}" has no such file`,
      );
    }
    const freshness = c.req.query("v") ? "immutable" : "short";
    return cached(c, { freshness, tag: entry.sha256.slice(0, 32) }, async (headers) => {
      await shared(c, model.checkFile(path));
      const { body } = await model.openFile(path);
      const mediaType = (FILES as Record<string, string>)[path] ?? "application/octet-stream";
      return new Response(body, {
        headers: { ...headers, "content-type": mediaType, "content-length": String(entry.bytes) },
      });
    });
  }
}
