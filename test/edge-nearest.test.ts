/** POST /nearest as the contract has it, in the real workerd. */

import { connect } from "node:net";
import encodeJpeg, { init as initJpegEncoder } from "@jsquash/jpeg/encode.js";
import { encode } from "fast-png";
import { zlibSync } from "fflate";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { encodeNpy } from "../shared/npy.ts";
import { type EdgeClient, expectProblem, greyPng, jsonOf, startEdge } from "./edge-client.ts";
import { compiled } from "./node-app.ts";

let edge: EdgeClient;

beforeAll(async () => {
  edge = await startEdge();
});
afterAll(() => edge?.close());

describe("POST /nearest", () => {
  test("a training example is a copy of itself, in every format", async () => {
    const pixels = await edge.trainingRow(17);
    await initJpegEncoder(compiled("@jsquash/jpeg/codec/enc/mozjpeg_enc.wasm") as never);
    const answers = await Promise.all([
      edge.post("/nearest", "image/png", greyPng(pixels)),
      edge.postJson("/nearest", { pixels: Array.from(pixels) }),
      edge.post("/nearest", "application/x-npy", encodeNpy({ shape: [28, 28, 1], values: pixels })),
      edge.post(
        "/nearest",
        "application/x-npy",
        encodeNpy({ shape: [1, 28, 28], values: Float32Array.from(pixels, (v) => v / 255) }),
      ),
      edge.post("/nearest", "Image/PNG; charset=binary", greyPng(pixels)),
    ]);
    for (const response of answers) {
      const answer = await jsonOf(response);
      expect(answer).toMatchObject({
        verdict: "copy",
        distance: 0,
        ratio: 0,
        authentic: false,
        metric: "l2",
      });
      expect(answer.pValue).toBe(1 / 200);
      expect(answer.neighbours).toHaveLength(5);
      expect(answer.neighbours[0]).toMatchObject({ index: 17, distance: 0, image: "/train/17.png" });
      expect(["nought", "one", "two"]).toContain(answer.neighbours[0].label);
    }
  });

  test("the answer has the contract's shape", async () => {
    const response = await edge.postJson("/nearest", { seed: 7, index: 0 });
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(await jsonOf(response)).toEqual({
      verdict: expect.stringMatching(/^(copy|close|novel)$/),
      pValue: expect.any(Number),
      distance: expect.any(Number),
      metric: "l2",
      ratio: expect.any(Number),
      authentic: expect.any(Boolean),
      neighbours: expect.any(Array),
      calibration: {
        heldOut: 199,
        alpha: 0.01,
        statistic: "aligned-ratio",
        neighbourhood: 50,
        method: "held-out",
      },
      model: `grey@${edge.grey.version}`,
      note: expect.stringContaining("no privacy guarantee"),
    });
  });

  test("neighbours come nearest first, and k changes their number alone", async () => {
    const all = await jsonOf(await edge.postJson("/nearest?k=50", { seed: 7 }));
    const one = await jsonOf(await edge.postJson("/nearest?k=1", { seed: 7 }));
    const distances = all.neighbours.map(({ distance }: { distance: number }) => distance);
    expect(distances).toHaveLength(50);
    expect(distances).toEqual(distances.toSorted((a: number, b: number) => a - b));
    expect(one).toEqual({ ...all, neighbours: all.neighbours.slice(0, 1) });
    expect(all.calibration.statistic).toBe("aligned-ratio");
  });

  test("of vectors, the ratio is the nearest distance over the neighbourhood's mean", async () => {
    const answer = await jsonOf(await edge.postJson("/models/plane/nearest?k=50", { vector: [0.1, -0.2] }));
    const distances = answer.neighbours.map(({ distance }: { distance: number }) => distance);
    expect(answer.calibration).toMatchObject({ statistic: "neighbourhood-ratio", neighbourhood: 50 });
    expect(answer.ratio).toBeCloseTo(
      distances[0] / (distances.reduce((a: number, b: number) => a + b) / 50),
      12,
    );
  });

  test("a sample named by seed and index equals the same sample sent as a picture", async () => {
    const { samples } = await jsonOf(await edge.get("/sample?n=4&seed=11&temperature=0.7&format=json"));
    const named = await jsonOf(await edge.postJson("/nearest", { seed: 11, index: 3, temperature: 0.7 }));
    expect(await jsonOf(await edge.postJson("/nearest", { pixels: samples[3].pixels }))).toEqual(named);
    expect(
      await jsonOf(await edge.post("/nearest", "image/png", greyPng(Uint8Array.from(samples[3].pixels)))),
    ).toEqual(named);
  });

  test("a JPEG is read", async () => {
    const pixels = await edge.trainingRow(17);
    const data = new Uint8ClampedArray(28 * 28 * 4);
    for (const [i, value] of pixels.entries()) data.set([value, value, value, 255], i * 4);
    const jpeg = await encodeJpeg({ width: 28, height: 28, data } as ImageData, { quality: 100 });
    const answer = await jsonOf(await edge.post("/nearest", "image/jpeg", jpeg));
    expect(answer.neighbours[0].index).toBe(17);
    expect(answer.distance).toBeLessThan(0.5);
  });

  test("vectors: neighbours carry their numbers instead of pictures", async () => {
    const answer = await jsonOf(await edge.postJson("/models/plane/nearest?k=2", { vector: [0.1, -0.2] }));
    for (const { index, distance, image, vector } of answer.neighbours) {
      expect(image).toBeNull();
      expect(Math.hypot(vector[0] - Math.fround(0.1), vector[1] - Math.fround(-0.2))).toBeCloseTo(
        distance,
        12,
      );
      expect(index).toBeGreaterThanOrEqual(0);
    }
  });

  describe("pictures of other kinds become the model's", () => {
    const nearestOf = async (path: string, png: Parameters<typeof encode>[0]) =>
      jsonOf(await edge.post(path, "image/png", encode(png) as Uint8Array<ArrayBuffer>));

    test("grey as RGB, as RGBA, with alpha, and in 16 bits is the same grey", async () => {
      const pixels = await edge.trainingRow(5);
      const spread = (channels: number) =>
        Uint8Array.from({ length: 784 * channels }, (_, i) => {
          const isAlpha = channels % 2 === 0 && i % channels === channels - 1;
          return isAlpha ? 255 : pixels[Math.floor(i / channels)]!;
        });
      const size = { width: 28, height: 28 };
      for (const channels of [1, 2, 3, 4]) {
        const answer = await nearestOf("/nearest", { ...size, channels, data: spread(channels) });
        expect(answer).toMatchObject({ distance: 0 });
      }
      const deep = Uint16Array.from(pixels, (value) => value * 257);
      expect(await nearestOf("/nearest", { ...size, channels: 1, depth: 16, data: deep })).toMatchObject({
        distance: 0,
      });
    });

    test("what is transparent is black", async () => {
      const data = new Uint8Array(784 * 4).fill(255).map((value, i) => (i % 4 === 3 ? 0 : value));
      const transparent = await nearestOf("/nearest", { width: 28, height: 28, channels: 4, data });
      const black = await nearestOf("/nearest", {
        width: 28,
        height: 28,
        channels: 1,
        data: new Uint8Array(784),
      });
      expect(transparent).toEqual(black);
    });

    test("grey serves a colour model, and palettes and single bits are read", async () => {
      const size = { width: 6, height: 8 };
      const grey = await nearestOf("/models/colour/nearest", {
        ...size,
        channels: 1,
        data: new Uint8Array(48).fill(255),
      });
      const white = await nearestOf("/models/colour/nearest", {
        ...size,
        channels: 3,
        data: new Uint8Array(144).fill(255),
      });
      const bits = await nearestOf("/models/colour/nearest", {
        ...size,
        channels: 1,
        depth: 1,
        data: new Uint8Array(8).fill(0xfc),
      });
      const palette = await nearestOf("/models/colour/nearest", {
        ...size,
        channels: 1,
        data: new Uint8Array(48).fill(1),
        palette: [
          [0, 0, 0],
          [255, 255, 255],
        ],
      });
      expect(grey).toEqual(white);
      expect(bits).toEqual(white);
      expect(palette).toEqual(white);
    });
  });

  describe("refuses", () => {
    test.each([
      ["{", /Malformed JSON|JSON/],
      ["", /JSON|expected/],
      ["null", /expected \{"pixels"/],
      ["[]", /expected \{"pixels"/],
      ["{}", /expected \{"pixels"/],
      ['{"image": []}', /expected \{"pixels"/],
      ['{"pixels": [1], "seed": 2}', /expected \{"pixels"/],
      ['{"pixels": "abc"}', /pixels: /],
      ['{"pixels": [0.5]}', /pixels\.0: expected whole numbers from 0 to 255 .*multiply by 255/],
      ['{"pixels": [256]}', /pixels\.0: expected whole numbers from 0 to 255/],
      ['{"pixels": [-1]}', /pixels\.0: expected whole numbers/],
      ['{"seed": -1, "index": 0}', /seed: /],
      ['{"seed": 1.5}', /seed: expected a whole number/],
      ['{"seed": 1, "index": 64}', /index: /],
      ['{"seed": 1, "temperature": 3}', /temperature: /],
    ])("the JSON %s", async (body, detail) => {
      await expectProblem(await edge.post("/nearest", "application/json", body), 400, "bad-body", detail);
    });

    test("another number of numbers, or another kind, with what was expected", async () => {
      await expectProblem(
        await edge.postJson("/nearest", { pixels: [1, 2, 3] }),
        422,
        "wrong-shape",
        /got 3 numbers, expected 784.*28×28×1/,
      );
      await expectProblem(
        await edge.postJson("/nearest", { vector: [1, 2] }),
        422,
        "wrong-shape",
        /send "pixels"/,
      );
      await expectProblem(
        await edge.postJson("/models/plane/nearest", { pixels: [1] }),
        422,
        "wrong-shape",
        /send "vector"/,
      );
      await expectProblem(
        await edge.postJson("/models/plane/nearest", { vector: [1, 2, 3] }),
        422,
        "wrong-shape",
        /expected 2/,
      );
    });

    test("images of another size, from their header", async () => {
      const png = encode({
        width: 32,
        height: 28,
        channels: 1,
        data: new Uint8Array(32 * 28),
      }) as Uint8Array<ArrayBuffer>;
      await expectProblem(
        await edge.post("/nearest", "image/png", png),
        422,
        "wrong-shape",
        /expected 28×28 .* got a PNG of 32×28/,
      );
      const vast = png.slice();
      new DataView(vast.buffer).setUint32(16, 1_000_000);
      await expectProblem(await edge.post("/nearest", "image/png", vast), 422, "wrong-shape", /1000000×28/);
      const jpeg = Uint8Array.of(0xff, 0xd8, 0xff, 0xc0, 0, 17, 8, 0xff, 0xff, 0xff, 0xff, 3);
      await expectProblem(await edge.post("/nearest", "image/jpeg", jpeg), 422, "wrong-shape", /65535×65535/);
      await expectProblem(
        await edge.post("/models/plane/nearest", "image/png", png),
        422,
        "wrong-shape",
        /send JSON or npy/,
      );
    });

    test("broken PNGs", async () => {
      const png = greyPng(new Uint8Array(784));
      const flipped = png.slice();
      flipped[45]! ^= 1;
      const cut = png.slice(0, -20);
      const noise = new TextEncoder().encode("not a picture at all, whatever the header says");
      for (const body of [flipped, cut, noise, png.slice(0, 20), new Uint8Array(0)]) {
        await expectProblem(await edge.post("/nearest", "image/png", body), 400, "bad-body", /PNG|empty/);
      }
    });

    // Made beforehand: it takes seconds, in which the server would close the connections that are kept alive.
    const bomb = pngOf(28, 28, zlibSync(new Uint8Array(200 * 2 ** 20)));

    test("a PNG that inflates to more than its size, before it has", async () => {
      expect(bomb.length).toBeLessThan(2 ** 20);
      await expectProblem(
        await edge.post("/nearest", "image/png", bomb),
        400,
        "bad-body",
        /inflates to more/,
      );
    });

    test("broken JPEGs", async () => {
      const cut = Uint8Array.of(0xff, 0xd8, 0xff, 0xc0, 0, 17, 8, 0, 28, 0, 28, 3, 1, 0x22, 0);
      const noise = new TextEncoder().encode("not a picture");
      for (const body of [cut, noise]) {
        await expectProblem(await edge.post("/nearest", "image/jpeg", body), 400, "bad-body", /JPEG/);
      }
    });

    test("broken or unsuitable npy", async () => {
      const wrong = encodeNpy({ shape: [27, 28], values: new Float32Array(27 * 28) });
      await expectProblem(
        await edge.post("/nearest", "application/x-npy", wrong),
        422,
        "wrong-shape",
        /27×28/,
      );
      const range = encodeNpy({ shape: [28, 28], values: new Float32Array(784).fill(2) });
      await expectProblem(
        await edge.post("/nearest", "application/x-npy", range),
        400,
        "bad-body",
        /from 0 to 1/,
      );
      const nan = encodeNpy({ shape: [2], values: Float32Array.of(1, Number.NaN) });
      await expectProblem(
        await edge.post("/models/plane/nearest", "application/x-npy", nan),
        400,
        "bad-body",
        /not finite/,
      );
      const integers = encodeNpy({ shape: [28, 28], values: new Int32Array(784) });
      await expectProblem(
        await edge.post("/nearest", "application/x-npy", integers),
        400,
        "bad-body",
        /float32/,
      );
      await expectProblem(
        await edge.post("/nearest", "application/x-npy", wrong.slice(0, -1)),
        400,
        "bad-body",
        /npy/,
      );
      await expectProblem(await edge.post("/nearest", "application/x-npy", "hello"), 400, "bad-body", /npy/);
    });

    test("other media types, and none", async () => {
      for (const type of ["text/plain", "image/gif", "application/octet-stream", "multipart/form-data"]) {
        await expectProblem(
          await edge.post("/nearest", type, "x"),
          415,
          "unsupported-media-type",
          /expected image\/png/,
        );
      }
      const none = await edge.post("/nearest", null, new Uint8Array([1]));
      await expectProblem(none, 415, "unsupported-media-type", /got none/);
    });

    test("k out of range", async () => {
      for (const k of ["0", "51", "x", ""]) {
        await expectProblem(
          await edge.postJson(`/nearest?k=${k}`, { seed: 1 }),
          400,
          "bad-parameter",
          /k: .*1 to 50/,
        );
      }
    });

    test("a body that is too large, by its declared length before it is sent", async () => {
      const head =
        "POST /nearest HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\nContent-Length: 1000000000\r\n\r\n";
      expect(await rawRequest(head)).toMatch(/^HTTP\/1.1 413 /);
    });

    test("a body that is too large, and does not say so", async () => {
      // A little more than the limit, and then nothing, but no end either: the answer can't wait for it. (A client
      // that wrote on would at times see the connection close before the answer.)
      let chunksLeft = 17;
      const chunk = new TextEncoder().encode("a".repeat(64 * 1024));
      const stream = new ReadableStream({
        pull: (controller) => (chunksLeft-- > 0 ? controller.enqueue(chunk) : new Promise(() => {})),
      });
      const init = { method: "POST", body: stream, duplex: "half", headers: { "content-type": "image/png" } };
      await expectProblem(
        await edge.get("/nearest", init as RequestInit),
        413,
        "body-too-large",
        /1048576 bytes/,
      );
    });
  });

  test("a model without its training examples says so", async () => {
    await expectProblem(
      await edge.postJson("/models/bare/nearest", { seed: 1 }),
      404,
      "no-training-examples",
      /without its training examples/,
    );
    await expectProblem(await edge.get("/models/bare/sample?check=1"), 404, "no-training-examples", /export/);
    await expectProblem(await edge.get("/models/bare/train/0.png"), 404, "no-training-examples", /export/);
    expect((await edge.get("/models/bare/sample")).status).toBe(200);
  });
});

/** Sends bytes over a plain socket, and reads until there is a line. */
function rawRequest(request: string): Promise<string> {
  const { port, hostname } = new URL(edge.url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(request));
    socket.once("data", (data) => {
      resolve(data.toString());
      socket.destroy();
    });
    socket.once("error", reject);
  });
}

/** An 8-bit grey PNG around pixel data that is compressed already. */
function pngOf(width: number, height: number, compressed: Uint8Array): Uint8Array<ArrayBuffer> {
  const template = encode({ width, height, channels: 1, data: new Uint8Array(width * height) });
  const header = template.subarray(0, 33);
  const end = template.subarray(-12);
  const chunk = new Uint8Array(12 + compressed.length);
  new DataView(chunk.buffer).setUint32(0, compressed.length);
  chunk.set(new TextEncoder().encode("IDAT"), 4);
  chunk.set(compressed, 8); // the checksum stays wrong: it is never looked at
  return new Uint8Array([...header, ...chunk, ...end]);
}
