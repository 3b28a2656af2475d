/** A server of six small models in the real workerd, and requests to it. */

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encode } from "fast-png";
import { expect } from "vitest";
import { startServer } from "../cli/workerd.ts";
import type { Manifest } from "../shared/manifest.ts";
import { GREY, PLANE, RGB, writeSmallBundle } from "./small-bundle.ts";

export interface EdgeClient {
  readonly url: string;
  /**
   * Holds the bundles: grey (the default), colour, plane (vectors), bare (without training examples), dcgan
   * (colour) and upsampled (grey).
   */
  readonly folder: string;
  readonly grey: Manifest;
  get(path: string, init?: RequestInit): Promise<Response>;
  post(path: string, type: string | null, body: BodyInit): Promise<Response>;
  postJson(path: string, body: unknown): Promise<Response>;
  /** A training example of the grey model, as stored. */
  trainingRow(index: number): Promise<Uint8Array<ArrayBuffer>>;
  close(): Promise<void>;
}

export async function startEdge(): Promise<EdgeClient> {
  const folder = await mkdtemp(join(tmpdir(), "imle-edge-"));
  const grey = await writeSmallBundle(join(folder, "grey"), { name: "grey", output: GREY });
  await writeSmallBundle(join(folder, "colour"), { name: "colour", output: RGB, seed: 2 });
  await writeSmallBundle(join(folder, "plane"), { name: "plane", output: PLANE });
  await writeSmallBundle(join(folder, "bare"), { name: "bare", output: GREY, withoutRows: true });
  await writeSmallBundle(join(folder, "dcgan"), { name: "dcgan", output: RGB, architecture: "dcgan" });
  await writeSmallBundle(join(folder, "upsampled"), {
    name: "upsampled",
    output: GREY,
    architecture: "upsample-conv",
  });
  const bundles = ["grey", "colour", "plane", "bare", "dcgan", "upsampled"].map((name) => join(folder, name));
  const server = await startServer({ bundles });
  const get = (path: string, init?: RequestInit) => fetch(server.url + path, init);
  const post = (path: string, type: string | null, body: BodyInit) =>
    get(path, { method: "POST", body, headers: type ? { "content-type": type } : {} });
  return {
    url: server.url,
    folder,
    grey,
    get,
    post,
    postJson: (path, body) => post(path, "application/json", JSON.stringify(body)),
    async trainingRow(index) {
      const rows = await readFile(join(folder, "grey/train.0.bin"));
      return new Uint8Array(rows.subarray(index * 784, (index + 1) * 784));
    },
    async close() {
      await server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export async function bytesOf(response: Response): Promise<Uint8Array<ArrayBuffer>> {
  expect(response.status).toBe(200);
  return new Uint8Array(await response.arrayBuffer());
}

// biome-ignore lint/suspicious/noExplicitAny: answers are looked at field by field
export async function jsonOf(response: Response): Promise<any> {
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toBe("application/json");
  return response.json();
}

/** A problem document with everything that one has. */
export async function expectProblem(
  response: Response,
  status: number,
  code: string,
  detail: RegExp,
): Promise<void> {
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  const problem = (await response.json()) as Record<string, unknown>;
  expect(problem).toMatchObject({ status, code, type: `/docs#${code}`, title: expect.any(String) });
  expect(response.status).toBe(status);
  expect(problem.detail).toMatch(detail);
  expect(response.headers.get("cache-control")).toBe("no-store");
}

export function greyPng(data: Uint8Array): Uint8Array<ArrayBuffer> {
  return encode({ width: 28, height: 28, channels: 1, data }) as Uint8Array<ArrayBuffer>;
}
