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

/** The problem responses of a route, by status. */
export function problems(...codes: readonly ProblemCode[]) {
  const responses: Record<number, { description: string; content: object }> = {};
  for (const code of codes) {
    const { status, title } = PROBLEMS[code];
    const earlier = responses[status];
    responses[status] = {
      description: earlier ? `${earlier.description}, or: ${title}` : title,
      content: { "application/problem+json": { schema: problem } },
    };
  }
  return responses;
}

export const binary = { schema: { type: "string" as const, format: "binary" } };

export const notModified = { 304: { description: "The client's copy is still good" } };
