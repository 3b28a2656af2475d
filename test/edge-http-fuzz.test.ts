/**
 * Requests made up from /openapi.json: whatever comes, the answer is one that the document describes. FUZZ_REQUESTS says
 * how many; `npm run test:fuzz` sends 100,000.
 */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "@hono/zod-openapi";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type LocalServer, startServer } from "../cli/workerd.ts";
import { type FuzzRequest, type OpenApi, type Operation, requestsOf } from "./fuzz-requests.ts";
import { createNodeApp, type NodeApp } from "./node-app.ts";
import { GREY, PLANE, RGB, writeSmallBundle } from "./small-bundle.ts";

const REQUESTS = Number(process.env.FUZZ_REQUESTS ?? 2000);
/** Requests to workerd, which take longer to send. */
const WORKERD_SHARE = 0.2;
/** Of one request; far more than any takes. */
const HANG_MS = 20_000;

let folder: string;
let app: NodeApp;
let server: LocalServer;
let document: OpenApi;
let models: string[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "imle-edge-"));
  await writeSmallBundle(join(folder, "grey"), { name: "grey", output: GREY });
  await writeSmallBundle(join(folder, "colour"), { name: "colour", output: RGB });
  await writeSmallBundle(join(folder, "plane"), { name: "plane", output: PLANE });
  await writeSmallBundle(join(folder, "bare"), { name: "bare", output: GREY, withoutRows: true });
  models = ["grey", "colour", "plane", "bare"];
  const bundles = Object.fromEntries(models.map((name) => [name, join(folder, name)]));
  app = createNodeApp(bundles);
  server = await startServer({ bundles: Object.values(bundles) });
  document = (await (await app.request("/openapi.json")).json()) as OpenApi;
});
afterAll(async () => {
  await server?.close();
  await rm(folder, { recursive: true, force: true });
});

const send = {
  "the app in Node": (path: string, init: RequestInit) => app.request(`http://edge${path}`, init),
  workerd: (path: string, init: RequestInit) => fetch(server.url + path, init),
};

test.each([
  ["the app in Node", REQUESTS * (1 - WORKERD_SHARE)],
  ["workerd", REQUESTS * WORKERD_SHARE],
] as const)(
  "%s answers as described, whatever is asked",
  async (host, numRuns) => {
    const validate = validators(document);
    const statuses = new Map<number, number>();
    const property = fc.asyncProperty(requestsOf(document, models), async (request) => {
      const { method, headers, body } = request;
      const response = await send[host](request.path, { method, headers, body });
      statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
      await expectDescribed(request, response, validate);
    });
    await fc.assert(property, { numRuns, timeout: HANG_MS });
    if (REQUESTS > 100) console.log(host, Object.fromEntries(statuses));
    // Else nothing but refusals would have been looked at.
    expect(statuses.get(200)).toBeGreaterThan(numRuns / 10);
  },
  1_800_000,
);

type Validate = (operation: Operation | null, status: number, type: string, value: unknown) => void;

async function expectDescribed(request: FuzzRequest, response: Response, validate: Validate): Promise<void> {
  const { status, headers } = response;
  const type = headers.get("content-type") ?? "";
  const text = type.includes("json") ? await response.text() : (await response.arrayBuffer()).byteLength;
  expect(status).toBeLessThan(500);
  expect(headers.get("x-request-id")).toMatch(/^[\w=-]{1,64}$/);
  expect(headers.get("x-content-type-options")).toBe("nosniff");
  const operation = operationOf(request);
  if (status >= 400) expect(type).toBe("application/problem+json");
  if (status === 405) expect(headers.get("allow")).toMatch(/OPTIONS/);
  else if (operation) expect(Object.keys(operation.responses)).toContain(String(status));
  if (typeof text === "string" && request.method !== "HEAD") {
    validate(operation, status, type, JSON.parse(text));
  }
  if (status >= 400 && typeof text === "string") expect(text.length).toBeLessThan(1500);
}

/** What the document has for a request, or null if it is about no path or method of its. */
function operationOf({ method, path }: FuzzRequest): Operation | null {
  const { pathname } = new URL(`http://edge${path}`);
  const own = pathname.replace(/^\/models\/[^/]+(?=\/)/, "");
  // What is not a model's is not there under a model's name.
  if (own !== pathname && ["/models", "/healthz"].includes(own)) return null;
  const template = Object.keys(document.paths).find((known) => {
    return known.includes("{") ? /^\/train\/[^/]+$/.test(own) : own === known;
  });
  const name = method === "HEAD" ? "get" : method.toLowerCase();
  return (template && document.paths[template]![name]) || null;
}

/** Checks JSON against the schema that the document has for it; problems against Problem, wherever they come from. */
function validators({ components }: OpenApi): Validate {
  const definitions = JSON.parse(
    JSON.stringify(components.schemas).replaceAll("#/components/schemas/", "#/$defs/"),
  );
  const compiled = new Map<string, z.ZodType>();
  const compile = (schema: object) => {
    const key = JSON.stringify(schema).replaceAll("#/components/schemas/", "#/$defs/");
    let validator = compiled.get(key);
    if (!validator) {
      validator = z.fromJSONSchema({ ...JSON.parse(key), $defs: definitions }) as unknown as z.ZodType;
      compiled.set(key, validator);
    }
    return validator;
  };
  return (operation, status, type, value) => {
    if (status >= 400) {
      expect(compile({ $ref: "#/$defs/Problem" }).parse(value)).toMatchObject({ status });
    } else if (operation) {
      const schema = operation.responses[status]!.content?.[type.split(";")[0]!]?.schema;
      if (schema && !("format" in schema)) compile(schema).parse(value);
    }
  };
}
