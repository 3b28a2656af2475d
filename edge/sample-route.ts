/** GET /sample */

import { createRoute, z } from "@hono/zod-openapi";
import { imageGrid } from "../shared/image-grid.ts";
import { encodeNpy } from "../shared/npy.ts";
import { encodePng } from "../shared/png.ts";
import { VERDICT_NOTE } from "../shared/verdict.ts";
import { calibrationAnswer, checkAnswer } from "./answers.ts";
import { cached } from "./caching.ts";
import { calibrationSchema, checkSchema, noteSchema } from "./check-schema.ts";
import { labelIndex, labelOfSample } from "./label.ts";
import type { Model } from "./model.ts";
import { negotiate } from "./negotiate.ts";
import { binaryBeside, modelProblems, notModified } from "./openapi.ts";
import { sampleQuery } from "./parameters.ts";
import { Problem } from "./problem.ts";
import { createRoutes } from "./routes.ts";
import { asExamples, drawSamples } from "./sampling.ts";
import { requestedModel, type Services, shared } from "./services.ts";
import { sized } from "./sized.ts";
import type { TrainingExamples } from "./training-examples.ts";

const samplesSchema = z
  .object({
    model: z.string(),
    seed: z.int(),
    temperature: z.number(),
    shape: z.array(z.int()),
    samples: z.array(
      z.object({
        index: z.int(),
        label: z.string().optional().openapi({ description: "Its class; class-conditional models only." }),
        pixels: z.array(z.int()).optional().openapi({
          description: "Images: 0 to 255, height × width × channels, row by row; /nearest takes them back.",
        }),
        vector: z.array(z.number()).optional().openapi({ description: "Vectors: the data's own units." }),
        check: checkSchema.optional(),
      }),
    ),
    calibration: calibrationSchema.optional(),
    note: noteSchema.optional(),
  })
  .openapi("Samples");

type Samples = z.infer<typeof samplesSchema>;

const route = createRoute({
  method: "get",
  path: "/sample",
  summary: "Draw samples",
  description:
    "The same model, seed and parameters give the same bytes everywhere; sample i does not depend on n.",
  request: { query: sampleQuery },
  responses: {
    200: {
      description: "The samples",
      headers: { "x-imle-seed": { description: "The seed", schema: { type: "integer" } } },
      content: {
        "application/json": { schema: samplesSchema },
        ...binaryBeside("image/png", "application/x-npy"),
      },
    },
    ...notModified,
    ...modelProblems("unconditional-model", "no-training-examples", "not-acceptable"),
  },
});

const MEDIA_TYPES = { png: "image/png", json: "application/json", npy: "application/x-npy" } as const;
type Format = keyof typeof MEDIA_TYPES;

export function sampleRoutes(services: Services) {
  return createRoutes().openapi(route, async (c) => {
    const query = c.req.valid("query");
    const { model, base } = await requestedModel(c, services);
    const { n = 1, temperature = 1, seed = randomSeed() } = query;
    const label = labelIndex(model.manifest, query.label);
    const withCheck = query.check === "1";
    const format = chooseFormat(model, query.format, c.req.header("accept") ?? null, withCheck);
    const training = withCheck ? await shared(c, model.trainingExamples()) : null;

    const freshness = query.seed === undefined ? "none" : query.v === undefined ? "short" : "immutable";
    const tag = [
      model.manifest.version,
      seed,
      n,
      temperature,
      label ?? "",
      format,
      withCheck ? "check" : "",
    ].join("-");
    const caching = {
      freshness,
      tag: query.seed === undefined ? null : tag,
      keptIn: services.responseCache,
      headers: { vary: "accept", "x-imle-seed": String(seed) },
    } as const;
    return cached(c, caching, async (headers) => {
      const generator = await shared(c, model.generator());
      const values = drawSamples(model.manifest, generator, { seed, first: 0, count: n, temperature, label });
      const body =
        format === "npy"
          ? encodeNpy({ shape: [n, ...model.manifest.output.shape], values: new Float32Array(values) })
          : format === "png"
            ? pngGrid(model, values, n)
            : JSON.stringify(
                await samplesAnswer(model, values, { n, seed, temperature, label }, training, base),
              );
      return sized(body, MEDIA_TYPES[format], headers);
    });
  });
}

/** 32 random bits: short enough to type. */
function randomSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0]!;
}

function chooseFormat(
  model: Model,
  asked: Format | undefined,
  accept: string | null,
  withCheck: boolean,
): Format {
  const { kind } = model.manifest.output;
  if (withCheck && asked !== undefined && asked !== "json") {
    throw new Problem("bad-parameter", `check=1 answers in JSON only, got format=${asked}; use format=json`);
  }
  if (kind === "vector" && asked === "png") {
    throw new Problem(
      "not-acceptable",
      `format=png: model "${model.manifest.name}" draws vectors of ${model.manifest.output.shape[0]} numbers, not images; use format=json or format=npy`,
    );
  }
  if (asked) return asked;
  const offers: Format[] = withCheck
    ? ["json"]
    : kind === "vector"
      ? ["json", "npy"]
      : ["png", "json", "npy"];
  const type = negotiate(
    accept,
    offers.map((offer) => MEDIA_TYPES[offer]),
  );
  const chosen = offers.find((offer) => MEDIA_TYPES[offer] === type);
  if (!chosen) {
    const types = offers.map((offer) => MEDIA_TYPES[offer]).join(", ");
    throw new Problem("not-acceptable", `accept: expected one of ${types}, got "${accept?.slice(0, 80)}"`);
  }
  return chosen;
}

function pngGrid(model: Model, values: Float32Array, count: number): Uint8Array<ArrayBuffer> {
  const { output } = model.manifest;
  if (output.kind !== "image") throw new Error("a grid of vectors"); // chooseFormat sees to it
  return encodePng(imageGrid(asExamples(model.manifest, values) as Uint8Array, count, output.shape));
}

async function samplesAnswer(
  model: Model,
  values: Float32Array,
  {
    n,
    seed,
    temperature,
    label,
  }: { n: number; seed: number; temperature: number; label: number | undefined },
  training: TrainingExamples | null,
  base: string,
): Promise<Samples> {
  const { output } = model.manifest;
  const examples = asExamples(model.manifest, values);
  const length = examples.length / n;
  return {
    model: model.id,
    seed,
    temperature,
    shape: [...output.shape],
    samples: await Promise.all(
      Array.from({ length: n }, async (_, index) => {
        const example = examples.subarray(index * length, (index + 1) * length);
        const numbers = Array.from(example);
        return {
          index,
          ...(model.manifest.conditional && { label: labelOfSample(model.manifest, label, seed, index)! }),
          ...(output.kind === "image" ? { pixels: numbers } : { vector: numbers }),
          ...(training && { check: await checkAnswer(training, example, 1, base) }),
        };
      }),
    ),
    ...(training && { calibration: calibrationAnswer(training), note: VERDICT_NOTE }),
  };
}
