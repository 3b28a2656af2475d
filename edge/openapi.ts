/** Pieces that several routes' OpenAPI descriptions share. */

import { z } from "@hono/zod-openapi";
import { PROBLEMS, type ProblemCode } from "./problem.ts";

const problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.enum(Object.keys(PROBLEMS) as [ProblemCode, ...ProblemCode[]]),
  })
  .openapi("Problem");

type ProblemResponses<C extends ProblemCode> = {
  [Status in (typeof PROBLEMS)[C]["status"]]: {
    description: string;
    content: { "application/problem+json": { schema: typeof problem } };
  };
};

/** The problem responses of a route, by status. */
export function problems<const C extends ProblemCode>(...codes: readonly C[]): ProblemResponses<C> {
  const responses: Record<number, { description: string; content: object }> = {};
  for (const code of codes) {
    const { status, title } = PROBLEMS[code];
    const earlier = responses[status];
    responses[status] = {
      description: earlier ? `${earlier.description}, or: ${title}` : title,
      content: { "application/problem+json": { schema: problem } },
    };
  }
  return responses as ProblemResponses<C>;
}

const MODEL_CODES = [
  "bad-parameter",
  "unauthorized",
  "unknown-model",
  "version-gone",
  "too-many-requests",
  "model-unavailable",
] as const;

/** Those of every route that answers for a model, and the route's own. */
export function modelProblems<const C extends ProblemCode = never>(...codes: readonly C[]) {
  return problems<(typeof MODEL_CODES)[number] | C>(...MODEL_CODES, ...codes);
}

export const binary = { schema: { type: "string" as const, format: "binary" } };

/**
 * Media types that a route has beside JSON. Its types don't show them, so that typed clients and handlers see the
 * JSON as what it is.
 */
export function binaryBeside(...mediaTypes: readonly string[]): object {
  return Object.fromEntries(mediaTypes.map((mediaType) => [mediaType, binary]));
}

export const notModified = { 304: { description: "The client's copy is still good" } };

/** How a key is sent, where the server is configured to ask for one. */
export const SECURITY_SCHEMES = {
  bearer: { type: "http", scheme: "bearer" },
  apiKey: { type: "apiKey", in: "header", name: "x-api-key" },
} as const;
