/**
 * A bundle of which any byte is flipped or cut is never served: what needs the file is refused with its name, and the
 * rest is answered as ever. BUNDLE_TRIES says how often a file is altered; `npm run test:faults` says 1,000.
 */

import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { MODEL_LIST, type ModelStorage } from "../edge/storage/storage.ts";
import { openBundle } from "../trainer/bundle-reader.ts";
import { joined } from "./fuzz/mutations.ts";
import { createNodeApp, type NodeApp } from "./node-app.ts";
import { GREY, type SmallBundle, writeSmallBundle } from "./small-bundle.ts";

const TRIES = Number(process.env["BUNDLE_TRIES"] ?? 6);
/** What a request may take beside the file: far less than a wrong size would make it take. */
const MOST_GROWTH = 100 * 2 ** 20;

const folder = mkdtempSync(join(tmpdir(), "imle-bundle-faults-"));
afterAll(() => rmSync(folder, { recursive: true }));

const PATHS = ["/sample?seed=7", "/sample?seed=7&check=1", "/train/3.png", "/manifest.json", "/nearest"];
const ask = (app: NodeApp, path: string) =>
  path === "/nearest"
    ? app.request(path, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ seed: 1, index: 2 }),
      })
    : app.request(path);

const RAW_FILES = ["weights.0.bin", "generator.0.bin", "model.onnx", "model.json", "preview.png"];

/** A storage of one model's files, one of them replaced. */
function storageOf(name: string, files: Readonly<Record<string, Uint8Array<ArrayBuffer>>>): ModelStorage {
  const read = (path: string) => files[path.split("/").at(-1)!];
  const answer = (bytes: Uint8Array<ArrayBuffer> | undefined) =>
    new Response(bytes ?? null, { status: bytes ? 200 : 404 });
  return {
    refreshMs: null,
    open: async (path) => (path === MODEL_LIST ? Response.json([name]) : answer(read(path))),
    openPage: async (path, { offset, length }) => answer(read(path)?.slice(offset, offset + length)),
  };
}

/** One to three bits flipped, or cut short, or a piece left out or put in: never the same as before. */
function faults(whole: Uint8Array): fc.Arbitrary<Uint8Array<ArrayBuffer>> {
  const at = fc.nat(whole.length - 1);
  const flips = fc
    .uniqueArray(fc.tuple(at, fc.nat(7)), { minLength: 1, maxLength: 3, selector: ([i, bit]) => 8 * i + bit })
    .map((each) => {
      const bytes = Uint8Array.from(whole);
      for (const [i, bit] of each) bytes[i]! ^= 1 << bit;
      return bytes;
    });
  const cuts = at.map((length) => Uint8Array.from(whole.subarray(0, length)));
  const inserts = fc
    .tuple(at, fc.uint8Array({ minLength: 1, maxLength: 64 }))
    .map(([i, piece]) => joined(whole.subarray(0, i), piece, whole.subarray(i)));
  return fc.oneof({ weight: 4, arbitrary: flips }, cuts, inserts);
}

const KINDS: Readonly<Record<string, Partial<SmallBundle>>> = {
  float32: {},
  int8: { weights: "int8" },
  indexed: { indexed: "principal", weights: "int8" },
};

describe.each(Object.entries(KINDS))("%s", (name, kind) => {
  const bundle = join(folder, name);
  const altered = join(folder, `${name}-altered`);
  const paths = [...PATHS, ...RAW_FILES.map((file) => `/${file}`)];
  const files: Record<string, Uint8Array<ArrayBuffer>> = {};
  const expected = new Map<string, Buffer>();

  beforeAll(async () => {
    await writeSmallBundle(bundle, { name, output: GREY, rowCount: 60, heldOutCount: 40, ...kind });
    cpSync(bundle, altered, { recursive: true });
    for (const file of readdirSync(bundle)) files[file] = new Uint8Array(readFileSync(join(bundle, file)));
    const app = createNodeApp({}, { storage: storageOf(name, files) });
    for (const path of paths) {
      const response = await ask(app, path);
      if (response.ok) expected.set(path, Buffer.from(await response.arrayBuffer()));
    }
    expect(expected.size).toBeGreaterThanOrEqual(PATHS.length + RAW_FILES.length - 1);
  });

  test("any byte of any file", { timeout: 60_000 + TRIES * 2000 }, async () => {
    for (const [file, whole] of Object.entries(files)) {
      const refused = new Set<string>();
      const property = fc.asyncProperty(faults(whole), async (bytes) => {
        writeFileSync(join(altered, file), bytes);
        await expect(openBundle(altered)).rejects.toThrow(file);
        const before = process.memoryUsage.rss();
        const app = createNodeApp({}, { storage: storageOf(name, { ...files, [file]: bytes }) });
        for (const path of paths) {
          const response = await ask(app, path);
          const body = Buffer.from(await response.arrayBuffer());
          if (response.ok) expect(body.equals(expected.get(path)!), `${file}: ${path}`).toBe(true);
          else if (expected.has(path)) {
            expect(response.status, `${file}: ${path}`).toBe(503);
            expect(JSON.parse(body.toString()).detail).toContain(file);
            refused.add(path);
          }
        }
        expect(process.memoryUsage.rss() - before).toBeLessThan(MOST_GROWTH);
      });
      await fc.assert(property, { numRuns: TRIES, seed: 1 });
      writeFileSync(join(altered, file), whole);
      if (file === "manifest.json") expect(refused.size).toBe(expected.size);
      else if (RAW_FILES.includes(file)) expect(refused).toContain(`/${file}`);
      if (file.startsWith("train.")) expect(refused).toContain("/nearest");
    }
  });
});
