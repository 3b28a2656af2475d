/** The edge's app in Node, on the same WebAssembly modules as the Worker, reading bundles from disk. */

import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { type AppOptions, createApp } from "../edge/app.ts";
import { generatorEngine } from "../edge/generator.ts";
import { loadTfjsGenerator } from "../edge/generator-tfjs.ts";
import { loadWasmGenerator } from "../edge/generator-wasm.ts";
import { createJpegDecoder } from "../edge/jpeg-image.ts";
import { assetStorage, type FetchAsset } from "../edge/storage/assets.ts";
import { kernelModule, scanKernels } from "../trainer/engine/kernels.ts";

const require = createRequire(import.meta.url);

export function compiled(path: string): WebAssembly.Module {
  return new WebAssembly.Module(readFileSync(require.resolve(path)));
}

const tfjsModule = compiled("@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm-simd.wasm");
const generatorModule = kernelModule("generator");
const jpegModule = compiled("@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm");

export interface NodeApp {
  /** @param environment what the host knows of the request, if anything */
  request(path: string, init?: RequestInit, environment?: { clientAddress: string }): Promise<Response>;
  /** What requests asked the host to let finish, whatever becomes of them. */
  readonly keptAlive: readonly Promise<unknown>[];
  /** Assets fetched so far, in order. */
  readonly fetched: readonly string[];
}

/**
 * @param bundles folder by model name; the first is the default
 * @param options how it is configured; nothing is logged unless they say so
 */
export function createNodeApp(
  bundles: Readonly<Record<string, string>>,
  options: Partial<AppOptions> = {},
): NodeApp {
  const fetched: string[] = [];
  const keptAlive: Promise<unknown>[] = [];
  const host = { waitUntil: (promise: Promise<unknown>) => void keptAlive.push(promise) };
  const fetchAsset: FetchAsset = async (path) => {
    fetched.push(path);
    if (path === "models.json") return Response.json(Object.keys(bundles));
    const [name = "", ...rest] = path.split("/");
    try {
      // NAME/manifest.json, or NAME/VERSION/FILE.
      return new Response(new Uint8Array(await readFile(join(bundles[name] ?? "nowhere", rest.at(-1)!))));
    } catch {
      return new Response(null, { status: 404 });
    }
  };
  const app = createApp({
    logLevel: "off",
    fetchAsset,
    storage: assetStorage(fetchAsset),
    memoryBytes: 2 ** 30,
    vectors: null,
    scanKernels: scanKernels(),
    loadGenerator: (manifest, readFile) =>
      generatorEngine(manifest) === "wasm"
        ? loadWasmGenerator(generatorModule, manifest, readFile)
        : loadTfjsGenerator(tfjsModule, manifest, readFile),
    decodeJpeg: createJpegDecoder(jpegModule),
    ...options,
  });
  return {
    fetched,
    keptAlive,
    request: async (path, init, environment) => app.request(path, init, { ...host, ...environment }),
  };
}
