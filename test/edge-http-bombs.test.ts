/** What is made to cost the server much is refused before it does. The app itself, in Node. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { zlibSync } from "fflate";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { MAX_BODY_BYTES } from "../edge/nearest-route.ts";
import { expectProblem } from "./edge-client.ts";
import { hostileJson, JPEGS, joined, pngChunk, pngHeader, pngOf } from "./hostile-bodies.ts";
import { createNodeApp, type NodeApp } from "./node-app.ts";
import { GREY, writeSmallBundle } from "./small-bundle.ts";

let folder: string;
let app: NodeApp;
/** Bytes of what was given to the JPEG decoder. */
let decoded: number[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "imle-edge-"));
  await writeSmallBundle(join(folder, "grey"), { name: "grey", output: GREY });
  app = createNodeApp(
    { grey: join(folder, "grey") },
    {
      async decodeJpeg(bytes) {
        decoded.push(bytes.length);
        return { width: 30_000, height: 30_000, channels: 4, data: new Uint8Array(4) };
      },
    },
  );
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const post = (type: string, body: BodyInit, headers: Record<string, string> = {}) =>
  app.request("/nearest", {
    method: "POST",
    body,
    headers: { "content-type": type, ...headers },
    // Needed for a stream.
    ...(body instanceof ReadableStream && { duplex: "half" }),
  });

describe("a body that is too large", () => {
  test("is refused by its length, before a byte of it is read", async () => {
    let pulled = 0;
    const endless = new ReadableStream({ pull: () => void pulled++ }, { highWaterMark: 0 });
    const length = { "content-length": String(MAX_BODY_BYTES + 1) };
    await expectProblem(await post("image/png", endless, length), 413, "body-too-large", /1048576 bytes/);
    expect(pulled).toBe(0);
  });

  test("is refused where it passes the limit, if it doesn't tell its length", async () => {
    const chunk = new Uint8Array(64 * 1024);
    let sent = 0;
    const endless = new ReadableStream({
      pull(controller) {
        sent += chunk.length;
        controller.enqueue(chunk);
      },
    });
    await expectProblem(await post("image/png", endless), 413, "body-too-large", /1048576 bytes/);
    expect(sent).toBeLessThanOrEqual(MAX_BODY_BYTES + 3 * chunk.length);
  });

  test.each(["gzip", "br", "deflate, gzip"])(
    "because it is compressed (%s) is refused as such",
    async (encoding) => {
      const response = await post("application/json", "{}", { "content-encoding": encoding });
      expect(response.headers.get("accept-encoding")).toBe("identity");
      await expectProblem(response, 415, "unsupported-media-type", /content-encoding/);
    },
  );
});

describe("a PNG", () => {
  const pixels = (bytes: number) => pngChunk("IDAT", zlibSync(new Uint8Array(bytes)));

  test("that claims a million pixels is refused from its header", async () => {
    const claim = pngOf(pngHeader(1000, 1000), pixels(10));
    await expectProblem(await post("image/png", claim), 422, "wrong-shape", /1000×1000/);
  });

  test("whose pixels inflate without end is refused when they pass what its size allows", async () => {
    const bomb = pngOf(pngHeader(28, 28), pixels(20_000_000));
    expect(bomb.length).toBeLessThan(50_000);
    await expectProblem(await post("image/png", bomb), 400, "bad-body", /inflates to more/);
  });

  test("that is of the right size first and huge later is refused", async () => {
    const changed = pngOf(pngHeader(28, 28), pngHeader(30_000, 30_000), pixels(29 * 28));
    await expectProblem(await post("image/png", changed), 400, "bad-body", /second header/);
  });

  test("may carry a text that inflates without end, as nobody reads it", async () => {
    const text = pngChunk(
      "zTXt",
      joined(Buffer.from("k\0\0", "latin1"), zlibSync(new Uint8Array(5_000_000))),
    );
    const profile = pngChunk(
      "iCCP",
      joined(Buffer.from("k\0\0", "latin1"), zlibSync(new Uint8Array(5_000_000))),
    );
    expect((await post("image/png", pngOf(pngHeader(28, 28), text, profile, pixels(29 * 28)))).status).toBe(
      200,
    );
  });
});

describe("a JPEG", () => {
  const start = Uint8Array.from([0xff, 0xd8]);
  const frame28 = Uint8Array.from([0xff, 0xc0, 0, 11, 8, 0, 28, 0, 28, 1, 1, 0x11, 0]);
  const scan = Uint8Array.from([0xff, 0xda, 0, 8, 1, 1, 0, 0, 0, 0]);

  // A decoder goes on right behind such a marker, where the large picture begins; by its supposed length it is passed over.
  test.each([0x00, 0x01, 0xd0, 0xd7, 0xd8, 0xd9])(
    "that hides a large picture behind a marker without length, %i, is refused",
    async (marker) => {
      decoded = [];
      const large = JPEGS.large.subarray(2, 30_002);
      const length = large.length + 2;
      const hides = Uint8Array.from([0xff, marker, length >> 8, length & 255]);
      const body = joined(start, hides, large, frame28, scan);
      await expectProblem(await post("image/jpeg", body), 400, "bad-body", /no JPEG/);
      expect(decoded).toEqual([]);
    },
  );

  test("of very many scans is refused before it is decoded", async () => {
    decoded = [];
    const body = joined(start, frame28, ...Array.from({ length: 90_000 }, () => scan));
    await expectProblem(await post("image/jpeg", body), 400, "bad-body", /90000 scans/);
    expect(decoded).toEqual([]);
  });

  test("that is decoded to another size than its header's is refused", async () => {
    decoded = [];
    await expectProblem(await post("image/jpeg", JPEGS.grey), 400, "bad-body", /another size/);
    expect(decoded).toEqual([JPEGS.grey.length]);
  });
});

describe("JSON", () => {
  const kinds = hostileJson(400_000).map((text) => [text.slice(0, 24), text] as const);
  test.each(kinds)("%s… is refused in a few words", async (_, text) => {
    const response = await post("application/json", text);
    expect((await response.clone().text()).length).toBeLessThan(1000);
    await expectProblem(response, 400, "bad-body", /^nearest: /);
  });
});

test.each([
  "{'descr': '<f4', 'fortran_order': False, 'shape': (1000000, 1000000), }",
  "{'descr': '<f8', 'fortran_order': False, 'shape': (9007199254740991, 9007199254740991), }",
])("an array that claims %s is refused by what is there", async (dictionary) => {
  const header = new TextEncoder().encode(`${dictionary}\n`);
  const magic = Uint8Array.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, header.length, 0]);
  const response = await post("application/x-npy", joined(magic, header, new Uint8Array(64)));
  await expectProblem(response, 400, "bad-body", /64 follow the header/);
});

test("a query of very many parameters is refused in a few words", async () => {
  const query = Array.from({ length: 5000 }, (_, i) => `q${i}=1`).join("&");
  const response = await app.request(`/sample?${query}`);
  expect((await response.clone().text()).length).toBeLessThan(1000);
  await expectProblem(response, 400, "bad-parameter", /q0, q1/);
});
