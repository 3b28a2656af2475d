/** GET /sample as the contract has it, in the real workerd. */

import { decode } from "fast-png";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseNpy } from "../shared/npy.ts";
import { bytesOf, type EdgeClient, expectProblem, jsonOf, startEdge } from "./edge-client.ts";

let edge: EdgeClient;

beforeAll(async () => {
  edge = await startEdge();
});
afterAll(() => edge?.close());

describe("GET /sample", () => {
  test("is a PNG of the model's size by default, and tells its seed", async () => {
    const response = await edge.get("/sample");
    const png = decode(await bytesOf(response));
    expect(response.headers.get("content-type")).toBe("image/png");
    expect(png).toMatchObject({ width: 28, height: 28, channels: 1, depth: 8 });
    expect(response.headers.get("x-imle-seed")).toMatch(/^\d+$/);
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(response.headers.get("etag")).toBeNull();
  });

  test("without a seed every request draws anew; the told seed gives it again", async () => {
    const first = await edge.get("/sample");
    const second = await edge.get("/sample");
    const seed = first.headers.get("x-imle-seed");
    expect(second.headers.get("x-imle-seed")).not.toBe(seed);
    expect(await bytesOf(await edge.get(`/sample?seed=${seed}`))).toEqual(await bytesOf(first));
  });

  test("several samples are one grid", async () => {
    const png = decode(await bytesOf(await edge.get("/sample?n=5&seed=3")));
    expect(png).toMatchObject({ width: 3 * 28 + 2 * 2, height: 2 * 28 + 2 });
    const colour = decode(await bytesOf(await edge.get("/models/colour/sample?n=64&seed=3")));
    expect(colour).toMatchObject({ width: 8 * 6 + 7 * 2, height: 8 * 8 + 7 * 2, channels: 3 });
  });

  test("npy holds float32 [n, h, w, c] in [0, 1]", async () => {
    const response = await edge.get("/models/colour/sample?n=3&seed=1&format=npy");
    expect(response.headers.get("content-type")).toBe("application/x-npy");
    const { shape, values } = parseNpy(await bytesOf(response));
    expect(shape).toEqual([3, 8, 6, 3]);
    expect(values).toBeInstanceOf(Float32Array);
    expect(values.every((value) => value >= 0 && value <= 1)).toBe(true);
  });

  test("sample i does not depend on n, in any format", async () => {
    const many = parseNpy(await bytesOf(await edge.get("/sample?n=64&seed=9&format=npy")))
      .values as Float32Array;
    for (const n of [1, 2, 7, 33]) {
      const few = parseNpy(await bytesOf(await edge.get(`/sample?n=${n}&seed=9&format=npy`))).values;
      expect(few).toEqual(many.slice(0, n * 784));
    }
    const json = await jsonOf(await edge.get("/sample?n=2&seed=9&format=json"));
    const png = decode(await bytesOf(await edge.get("/sample?seed=9")));
    expect(json.samples[0].pixels).toEqual(Array.from(png.data));
    expect(json.samples[0].pixels).toEqual(Array.from(many.slice(0, 784), (v) => Math.floor(v * 255 + 0.5)));
  });

  test.each(["dcgan", "upsampled"])("nor with convolutions: %s", async (name) => {
    const pathOf = (n: number) => `/models/${name}/sample?n=${n}&seed=9&format=npy`;
    const many = parseNpy(await bytesOf(await edge.get(pathOf(64)))).values as Float32Array;
    for (const n of [1, 2, 7, 33]) {
      const few = parseNpy(await bytesOf(await edge.get(pathOf(n)))).values;
      expect(few).toEqual(many.slice(0, (n * many.length) / 64));
    }
  });

  test("the largest seed and n are taken", async () => {
    const json = await jsonOf(await edge.get(`/sample?n=64&seed=${Number.MAX_SAFE_INTEGER}&format=json`));
    expect(json).toMatchObject({
      seed: Number.MAX_SAFE_INTEGER,
      model: `grey@${edge.grey.version}`,
      shape: [28, 28, 1],
    });
    expect(json.samples).toHaveLength(64);
  });

  test("temperature 0 draws the centre whatever the seed; 1 is the default", async () => {
    const centre = await bytesOf(await edge.get("/sample?seed=1&temperature=0"));
    expect(await bytesOf(await edge.get("/sample?seed=2&temperature=0"))).toEqual(centre);
    expect(await bytesOf(await edge.get("/sample?seed=2&temperature=1"))).toEqual(
      await bytesOf(await edge.get("/sample?seed=2")),
    );
    expect(await bytesOf(await edge.get("/sample?seed=2&temperature=0.5"))).not.toEqual(centre);
  });

  test.each([
    ["application/json", "application/json"],
    ["application/x-npy", "application/x-npy"],
    ["image/*", "image/png"],
    ["*/*", "image/png"],
    ["text/html, image/avif, image/webp, */*;q=0.8", "image/png"],
    ["application/json, text/plain, */*", "application/json"],
    ["image/png;q=0.2, application/json;q=0.9", "application/json"],
  ])("accept: %s answers %s", async (accept, type) => {
    const response = await edge.get("/sample?seed=1", { headers: { accept } });
    expect(response.headers.get("content-type")).toBe(type);
    expect(response.headers.get("vary")).toBe("accept");
  });

  test("format goes before accept", async () => {
    const response = await edge.get("/sample?seed=1&format=npy", { headers: { accept: "image/png" } });
    expect(response.headers.get("content-type")).toBe("application/x-npy");
  });

  test("check=1 puts the verdict that /nearest gives beside every sample", async () => {
    const { samples, note, calibration } = await jsonOf(await edge.get("/sample?n=3&seed=5&check=1"));
    expect(note).toMatch(/no privacy guarantee/);
    for (const { index, check } of samples) {
      const nearest = await jsonOf(await edge.postJson("/nearest?k=1", { seed: 5, index }));
      expect(nearest).toMatchObject({ ...check, calibration });
    }
  });

  test("vectors come as JSON by default, or as npy", async () => {
    const json = await jsonOf(await edge.get("/models/plane/sample?n=2&seed=1"));
    const npy = parseNpy(await bytesOf(await edge.get("/models/plane/sample?n=2&seed=1&format=npy")));
    expect(npy.shape).toEqual([2, 2]);
    expect(json.samples.flatMap((sample: { vector: number[] }) => sample.vector)).toEqual(
      Array.from(npy.values as Float32Array),
    );
  });

  test.each([
    ["n=0", /n: expected a whole number from 1 to 64, got "0"/],
    ["n=65", /n: .* 1 to 64, got "65"/],
    ["n=2.5", /got "2.5"/],
    ["n=-1", /got "-1"/],
    ["n=1e1", /got "1e1"/],
    ["n=", /got ""/],
    ["n=1&n=2", /n: expected one value, got several/],
    ["seed=abc", /seed: expected a whole number from 0 to 9007199254740991, got "abc"/],
    ["seed=9007199254740992", /seed: /],
    ["seed=-7", /seed: /],
    ["temperature=2.1", /temperature: expected a number from 0 to 2, got "2.1"/],
    ["temperature=-1", /temperature: /],
    ["temperature=NaN", /temperature: /],
    ["format=gif", /format: expected png or json or npy, got "gif"/],
    ["check=yes", /check: expected 0 or 1, got "yes"/],
    ["check=1&format=png", /check=1 answers in JSON only/],
    ["sead=7", /sead: unknown/],
  ])("%s is refused with what was expected", async (query, detail) => {
    await expectProblem(await edge.get(`/sample?${query}`), 400, "bad-parameter", detail);
  });

  test("label is refused by a model without classes to draw", async () => {
    await expectProblem(
      await edge.get("/sample?label=7"),
      400,
      "unconditional-model",
      /not class-conditional/,
    );
  });

  test("pictures of vectors, and media types that there aren't, are 406", async () => {
    await expectProblem(
      await edge.get("/models/plane/sample?format=png"),
      406,
      "not-acceptable",
      /use format=json or/,
    );
    const asked = { headers: { accept: "image/png" } };
    await expectProblem(
      await edge.get("/models/plane/sample", asked),
      406,
      "not-acceptable",
      /application\/json/,
    );
    const text = { headers: { accept: "text/html" } };
    await expectProblem(await edge.get("/sample", text), 406, "not-acceptable", /image\/png/);
    const none = { headers: { accept: "image/png;q=0" } };
    await expectProblem(await edge.get("/sample", none), 406, "not-acceptable", /image\/png/);
  });
});

describe("caching", () => {
  test("a seed alone: five minutes and an entity tag that covers the version", async () => {
    const { headers } = await edge.get("/sample?seed=7&n=4");
    expect(headers.get("cache-control")).toBe("public, max-age=300");
    expect(headers.get("etag")).toContain(edge.grey.version);
  });

  test("a seed and the version: for ever", async () => {
    const { headers } = await edge.get(`/sample?seed=7&v=${edge.grey.version}`);
    expect(headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
  });

  test("the version without a seed: not at all", async () => {
    expect((await edge.get(`/sample?v=${edge.grey.version}`)).headers.get("cache-control")).toBe("no-store");
  });

  test("different answers have different tags", async () => {
    const queries = [
      "seed=1",
      "seed=2",
      "seed=1&n=2",
      "seed=1&temperature=0.5",
      "seed=1&format=json",
      "seed=1&check=1",
    ];
    const tags = await Promise.all(
      queries.map(async (query) => (await edge.get(`/sample?${query}`)).headers.get("etag")),
    );
    expect(new Set(tags).size).toBe(queries.length);
  });

  test.each(["/sample?seed=7", "/train/3.png", "/manifest.json", "/model.json"])(
    "If-None-Match on %s: 304 without a body, with the same headers",
    async (path) => {
      const first = await edge.get(path);
      await first.arrayBuffer();
      const etag = first.headers.get("etag")!;
      for (const tag of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
        const again = await edge.get(path, { headers: { "if-none-match": tag } });
        expect(again.status).toBe(304);
        expect((await again.arrayBuffer()).byteLength).toBe(0);
        expect(again.headers.get("etag")).toBe(etag);
        expect(again.headers.get("cache-control")).toBe(first.headers.get("cache-control"));
      }
      const changed = await edge.get(path, { headers: { "if-none-match": '"other"' } });
      expect(changed.status).toBe(200);
      await changed.arrayBuffer();
    },
  );

  test("a version that isn't served any more is 404, everywhere", async () => {
    for (const path of [
      "/sample?seed=1&v=",
      "/manifest.json?v=",
      "/train/0.png?v=",
      "/model.json?v=",
      "/?v=",
    ]) {
      await expectProblem(
        await edge.get(`${path}0123456789abcdef`),
        404,
        "version-gone",
        new RegExp(edge.grey.version),
      );
    }
    await expectProblem(await edge.postJson("/nearest?v=old", { seed: 1 }), 404, "version-gone", /v=old/);
  });
});
