/** Errors as RFC 9457 problem documents. Every error that the edge answers with is one of these. */

import { printable } from "../shared/printable.ts";

export const PROBLEMS = {
  "bad-parameter": { status: 400, title: "A query parameter can't be used" },
  "bad-body": { status: 400, title: "The body can't be read" },
  "unconditional-model": { status: 400, title: "The model takes no label" },
  "wrong-shape": { status: 422, title: "The example has another shape than the model's" },
  unauthorized: { status: 401, title: "An API key is needed" },
  "not-found": { status: 404, title: "There is nothing here" },
  "unknown-model": { status: 404, title: "No model of that name is served" },
  "version-gone": { status: 404, title: "That version of the model is not served any more" },
  "no-training-examples": { status: 404, title: "The model comes without its training examples" },
  "method-not-allowed": { status: 405, title: "The method is not allowed here" },
  "not-acceptable": { status: 406, title: "The answer can't be given in that format" },
  "body-too-large": { status: 413, title: "The body is too large" },
  "unsupported-media-type": { status: 415, title: "The body's media type is not supported" },
  "too-many-requests": { status: 429, title: "Too many requests in a short time" },
  "model-unavailable": { status: 503, title: "The model can't be loaded now" },
  internal: { status: 500, title: "The server failed" },
} as const;

export type ProblemCode = keyof typeof PROBLEMS;

/** Details repeat what the client sent, which may be long. */
const MAX_DETAIL_CHARACTERS = 500;

/** Thrown anywhere in a request, answered by `problemResponse`. */
export class Problem extends Error {
  override readonly name = "Problem";
  readonly code: ProblemCode;
  readonly headers: Readonly<Record<string, string>>;

  /** @param detail where, what was expected, what came, what to do next; goes to the client */
  constructor(code: ProblemCode, detail: string, headers: Readonly<Record<string, string>> = {}) {
    const line = printable(detail);
    super(line.length > MAX_DETAIL_CHARACTERS ? `${line.slice(0, MAX_DETAIL_CHARACTERS)}…` : line);
    this.code = code;
    this.headers = headers;
  }
}

export function problemResponse({ code, message, headers }: Problem): Response {
  const { status, title } = PROBLEMS[code];
  const document = { type: `/docs#${code}`, title, status, detail: message, code };
  return new Response(JSON.stringify(document), {
    status,
    headers: { "content-type": "application/problem+json", "cache-control": "no-store", ...headers },
  });
}
