/** POST /nearest */

import { createRoute, z } from "@hono/zod-openapi";
import type { Context, MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { Example } from "../shared/statistic.ts";
import { VERDICT_NOTE } from "../shared/verdict.ts";
import { calibrationAnswer, checkAnswer } from "./answers.ts";
import { calibrationSchema, checkSchema, noteSchema } from "./check-schema.ts";
import { exampleOfJpeg, exampleOfNpy, exampleOfNumbers, exampleOfPng } from "./example-body.ts";
import { labelIndex } from "./label.ts";
import type { Model } from "./model.ts";
import { binaryBeside, modelProblems } from "./openapi.ts";
import { type NearestBody, nearestBody, nearestQuery } from "./parameters.ts";
import { Problem } from "./problem.ts";
import { createRoutes } from "./routes.ts";
import { asExamples, drawSamples } from "./sampling.ts";
import { type EdgeEnv, requestedModel, type Services, shared } from "./services.ts";

/** Room for a 256×256 RGB image in any of the formats. */
export const MAX_BODY_BYTES = 1024 * 1024;

/** Compressed bodies are refused as such (RFC 9110, §12.5.3): as what they seem to be they would be broken. */
const refuseEncoded: MiddlewareHandler<EdgeEnv> = async (c, next) => {
  const encoding = c.req.header("content-encoding") ?? "identity";
  if (encoding.toLowerCase() !== "identity") {
    throw new Problem(
      "unsupported-media-type",
      `content-encoding: expected none, got ${JSON.stringify(encoding.slice(0, 80))}`,
      { "accept-encoding": "identity" },
    );
  }
  return next();
};

const DEFAULT_NEIGHBOURS = 5;

const answerSchema = checkSchema
  .extend({ calibration: calibrationSchema, model: z.string(), note: noteSchema })
  .openapi("Nearest");

const route = createRoute({
  method: "post",
  path: "/nearest",
  summary: "Find the nearest training examples",
  description:
    "The training examples nearest to an image or a vector, and a conformal test of whether it is a copy. " +
    `${VERDICT_NOTE} Images have the model's width and height; transparency shows black, colour becomes grey ` +
    "for grey models, and 16-bit pixels become 8-bit.",
  middleware: [
    refuseEncoded,
    bodyLimit({
      maxSize: MAX_BODY_BYTES,
      onError: () => {
        throw new Problem("body-too-large", `nearest: the body may have up to ${MAX_BODY_BYTES} bytes`);
      },
    }),
  ],
  request: {
    query: nearestQuery,
    body: {
      content: {
        "application/json": { schema: nearestBody },
        ...binaryBeside("image/png", "image/jpeg", "application/x-npy"),
      },
    },
  },
  responses: {
    200: { description: "Neighbours and verdict", content: { "application/json": { schema: answerSchema } } },
    ...modelProblems(
      "bad-body",
      "no-training-examples",
      "body-too-large",
      "unsupported-media-type",
      "wrong-shape",
    ),
  },
});

export function nearestRoutes(services: Services) {
  return createRoutes().openapi(route, async (c) => {
    const { k = DEFAULT_NEIGHBOURS } = c.req.valid("query");
    const { model, base } = await requestedModel(c, services);
    const training = await shared(c, model.trainingExamples());
    const example = await readExample(c, c.req.valid("json"), model, services);
    const answer = {
      ...(await checkAnswer(training, example, k, base)),
      calibration: calibrationAnswer(training),
      model: model.id,
      note: VERDICT_NOTE,
    };
    return c.json(answer, 200, { "cache-control": "no-store" });
  });
}

async function readExample(
  c: Context<EdgeEnv>,
  json: NearestBody,
  model: Model,
  { decodeJpeg }: Services,
): Promise<Example> {
  const [mediaType] = (c.req.header("content-type") ?? "").toLowerCase().split(/\s*;/);
  if (mediaType === "application/json") {
    if ("pixels" in json) return exampleOfNumbers(model, "pixels", json.pixels);
    if ("vector" in json) return exampleOfNumbers(model, "vector", json.vector);
    const { seed, index, temperature } = json;
    const label = labelIndex(model.manifest, json.label);
    const generator = await shared(c, model.generator());
    const values = drawSamples(model.manifest, generator, {
      seed,
      first: index,
      count: 1,
      temperature,
      label,
    });
    return asExamples(model.manifest, values);
  }
  const bytes = new Uint8Array(await c.req.arrayBuffer());
  if (mediaType === "image/png") return exampleOfPng(model, bytes);
  if (mediaType === "image/jpeg") return exampleOfJpeg(model, bytes, decodeJpeg);
  if (mediaType === "application/x-npy") return exampleOfNpy(model, bytes);
  throw new Problem("unsupported-media-type", unsupportedMediaType(c));
}

export function unsupportedMediaType(c: Context): string {
  const got = c.req.header("content-type");
  return (
    "content-type: expected image/png, image/jpeg, application/json or application/x-npy, got " +
    (got ? `"${got.slice(0, 80)}"` : "none")
  );
}
