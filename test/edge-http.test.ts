/** What is served besides samples and neighbours, and how HTTP is spoken, in the real workerd. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { decode } from "fast-png";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bytesOf, type EdgeClient, expectProblem, jsonOf, startEdge } from "./edge-client.ts";

let edge: EdgeClient;

beforeAll(async () => {
  edge = await startEdge();
});
afterAll(() => edge?.close());

describe("the bundle over HTTP", () => {
  test("/train/:index.png is the example, pixel by pixel", async () => {
    const response = await edge.get("/train/17.png");
    expect(response.headers.get("cache-control")).toBe("public, max-age=300");
    expect(Uint8Array.from(decode(await bytesOf(response)).data)).toEqual(await edge.trainingRow(17));
    const pinned = await edge.get(`/train/17.png?v=${edge.grey.version}`);
    expect(pinned.headers.get("cache-control")).toContain("immutable");
  });

  test.each(["300.png", "-1.png", "x.png", "1.jpg", "1", "1.5.png", "99999999999.png"])(
    "/train/%s is 404",
    async (file) => {
      await expectProblem(await edge.get(`/train/${file}`), 404, "not-found", /./);
    },
  );

  test("/manifest.json is the bundle's, byte for byte", async () => {
    expect(await (await edge.get("/manifest.json")).text()).toBe(
      await readFile(join(edge.folder, "grey/manifest.json"), "utf8"),
    );
  });

  test("the generator's files are there, as they are, and no others", async () => {
    for (const file of ["model.json", "weights.0.bin", "model.onnx", "preview.png", "calibration.bin"]) {
      const response = await edge.get(`/models/colour/${file}`);
      expect(response.headers.get("access-control-allow-origin")).toBe("*");
      expect(await bytesOf(response)).toEqual(
        new Uint8Array(await readFile(join(edge.folder, "colour", file))),
      );
    }
    for (const file of ["train.0.bin", "weights.1.bin", "../models.json", "models.json"]) {
      await expectProblem(await edge.get(`/models/colour/${file}`), 404, "not-found", /./);
    }
  });
});

describe("several models", () => {
  test("/models lists them, the default first", async () => {
    const list = await jsonOf(await edge.get("/models"));
    expect(list.default).toBe("grey");
    expect(list.models.map(({ name }: { name: string }) => name)).toEqual([
      "grey",
      "colour",
      "plane",
      "bare",
      "dcgan",
      "upsampled",
    ]);
    expect(list.models[2]).toMatchObject({ kind: "vector", shape: [2], url: "/models/plane/" });
  });

  test("the default model answers by its name too", async () => {
    const named = await bytesOf(await edge.get("/models/grey/sample?seed=7"));
    expect(named).toEqual(await bytesOf(await edge.get("/sample?seed=7")));
    const { neighbours } = await jsonOf(await edge.postJson("/models/grey/nearest", { seed: 7 }));
    expect(neighbours[0].image).toMatch(/^\/models\/grey\/train\/\d+\.png$/);
    expect((await edge.get(neighbours[0].image)).status).toBe(200);
  });

  test("an unknown one is 404 and tells which there are", async () => {
    await expectProblem(
      await edge.get("/models/nope/sample"),
      404,
      "unknown-model",
      /grey, colour, plane, bare, dcgan, upsampled/,
    );
    await expectProblem(await edge.get("/models/..%2fgrey/sample"), 404, "unknown-model", /grey/);
  });
});

describe("HTTP", () => {
  test("HEAD is GET without the body", async () => {
    for (const path of ["/sample?seed=7", "/manifest.json", "/train/1.png", "/model.json", "/", "/healthz"]) {
      const full = await edge.get(path);
      const length = (await full.arrayBuffer()).byteLength;
      const head = await edge.get(path, { method: "HEAD" });
      expect(head.status).toBe(200);
      expect((await head.arrayBuffer()).byteLength).toBe(0);
      expect(head.headers.get("content-type")).toBe(full.headers.get("content-type"));
      expect(head.headers.get("etag")).toBe(full.headers.get("etag"));
      expect(length).toBeGreaterThan(0);
    }
  });

  test.each([
    "/sample?seed=7&n=4",
    "/sample?seed=7&format=json",
    "/manifest.json",
    "/train/1.png",
    "/model.json",
  ])("HEAD %s tells how long the answer is", async (path) => {
    const { byteLength } = await (await edge.get(path)).arrayBuffer();
    const head = await edge.get(path, { method: "HEAD" });
    expect(head.headers.get("content-length")).toBe(String(byteLength));
  });

  test.each([
    ["POST", "/sample", "GET, HEAD, OPTIONS"],
    ["DELETE", "/manifest.json", "GET, HEAD, OPTIONS"],
    ["GET", "/nearest", "POST, OPTIONS"],
    ["HEAD", "/nearest", "POST, OPTIONS"],
    ["PUT", "/models/colour/nearest", "POST, OPTIONS"],
    ["PATCH", "/", "GET, HEAD, OPTIONS"],
    ["POST", "/train/1.png", "GET, HEAD, OPTIONS"],
  ])("%s %s is 405 and tells what is allowed", async (method, path, allow) => {
    const response = await edge.get(path, { method });
    expect(response.status).toBe(405);
    expect(response.headers.get("allow")).toBe(allow);
    if (method !== "HEAD") await expectProblem(response, 405, "method-not-allowed", /expected/);
  });

  test("OPTIONS tells what is allowed, and lets other sites read", async () => {
    const read = await edge.get("/sample", { method: "OPTIONS" });
    expect(read.status).toBe(204);
    expect(read.headers.get("allow")).toBe("GET, HEAD, OPTIONS");
    expect(read.headers.get("access-control-allow-origin")).toBe("*");
    expect(read.headers.get("access-control-allow-methods")).toBe("GET, HEAD");
    const write = await edge.get("/nearest", { method: "OPTIONS" });
    expect(write.headers.get("allow")).toBe("POST, OPTIONS");
    expect(write.headers.get("access-control-allow-origin")).toBeNull();
  });

  test("any site may read answers and errors alike", async () => {
    for (const path of ["/sample?seed=1", "/sample?n=0", "/nope", "/healthz", "/models/nope/sample"]) {
      const response = await edge.get(path);
      await response.arrayBuffer();
      expect(response.headers.get("access-control-allow-origin")).toBe("*");
      expect(response.headers.get("x-content-type-options")).toBe("nosniff");
      expect(response.headers.get("x-request-id")).toMatch(/^[\w-]+$/);
      expect(response.headers.get("server-timing")).toMatch(/^total;dur=/);
    }
  });

  test("what isn't there is a problem too", async () => {
    for (const path of [
      "/nope",
      "/sample/",
      "/favicon.ico",
      "/models/grey/nope",
      "/playground/index.html",
      "/embed/embed.js",
      "//",
    ]) {
      await expectProblem(await edge.get(path), 404, "not-found", /no such route/);
    }
  });

  test("/healthz", async () => {
    expect(await jsonOf(await edge.get("/healthz"))).toEqual({
      status: "ok",
      model: `grey@${edge.grey.version}`,
      generator: "wasm",
      weights: "float32",
    });
  });

  test("pages may load nothing from elsewhere", async () => {
    for (const path of ["/", "/models/colour/", "/docs"]) {
      const response = await edge.get(path);
      expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
      expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
      expect(await response.text()).not.toMatch(/(src|href)="(https?:)?\/\//);
    }
  });
});

describe("/openapi.json", () => {
  test("describes every route, with the limits that are enforced", async () => {
    const document = await jsonOf(await edge.get("/openapi.json"));
    expect(document.openapi).toBe("3.1.0");
    expect(Object.keys(document.paths)).toEqual(
      expect.arrayContaining([
        "/sample",
        "/nearest",
        "/train/{file}",
        "/manifest.json",
        "/models",
        "/healthz",
        "/model.json",
      ]),
    );
    const parameters = document.paths["/sample"].get.parameters;
    expect(parameters.find(({ name }: { name: string }) => name === "n").schema).toMatchObject({
      type: "integer",
      minimum: 1,
      maximum: 64,
    });
    expect(parameters.every(({ required }: { required?: boolean }) => required !== true)).toBe(true);
    expect(Object.keys(document.paths["/nearest"].post.requestBody.content).toSorted()).toEqual([
      "application/json",
      "application/x-npy",
      "image/jpeg",
      "image/png",
    ]);
    expect(document.components.schemas).toHaveProperty("Problem");
  });

  test("/docs shows the routes and the problem codes", async () => {
    const page = await (await edge.get("/docs")).text();
    for (const part of ["GET /sample", "POST /nearest", 'id="wrong-shape"', "1 to 64"])
      expect(page).toContain(part);
  });
});
