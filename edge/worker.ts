/** The Cloudflare Worker. No other file knows Cloudflare's types. */

import generatorModule from "../kernels/build/generator.wasm";
import { type App, createApp } from "./app.ts";
import { EMBEDDED_MODELS } from "./embedded-models.ts";
import { generatorEngine } from "./generator.ts";
import { loadWasmGenerator } from "./generator-wasm.ts";
import type { DecodeJpeg } from "./jpeg-image.ts";
import { Problem, problemResponse } from "./problem.ts";
import { SCAN_KERNELS } from "./scan-kernels.ts";
import { createStorage } from "./storage/index.ts";

/** Bindings and variables; wrangler.toml says what each is for. */
interface Env {
  readonly ASSETS: Fetcher;
  readonly MODELS?: R2Bucket;
  readonly VECTORS?: Vectorize;
  readonly MODEL_STORE?: string;
  readonly MODEL_REFRESH_SECONDS?: string;
  readonly MODEL_MEMORY_MIB?: string;
  readonly API_KEYS?: string;
  readonly RATE_LIMITER?: RateLimit;
  readonly LOG_LEVEL?: string;
}

const DEFAULT_REFRESH_SECONDS = 30;

/** An isolate has 128 MB; the rest is for the script, its heap and what requests hold. */
const DEFAULT_MEMORY_MIB = 100;

let app: App | null = null;
let decodeJpeg: DecodeJpeg | null = null;

export default {
  fetch(request, env, context) {
    try {
      // Models stay loaded for as long as the isolate lives.
      app ??= createWorkerApp(env);
    } catch (error) {
      console.error(error instanceof Error ? error.message : error);
      return problemResponse(new Problem("internal", "the server is configured wrongly; its log says how"));
    }
    return app.fetch(request, {
      waitUntil: (promise: Promise<unknown>) => context.waitUntil(promise),
      clientAddress: request.headers.get("cf-connecting-ip") ?? undefined,
    });
  },
} satisfies ExportedHandler<Env>;

/** @throws Error if a variable or a binding can't be used */
function createWorkerApp(env: Env): App {
  const fetchAsset = (path: string) => env.ASSETS.fetch(`https://assets/${path}`);
  return createApp({
    fetchAsset,
    storage: createStorage(env.MODEL_STORE ?? "assets", {
      fetchAsset,
      bucket: env.MODELS ?? null,
      embedded: EMBEDDED_MODELS,
      refreshMs: Number(env.MODEL_REFRESH_SECONDS ?? DEFAULT_REFRESH_SECONDS) * 1000,
    }),
    memoryBytes: Number(env.MODEL_MEMORY_MIB ?? DEFAULT_MEMORY_MIB) * 2 ** 20,
    vectors: env.VECTORS ?? null,
    scanKernels: SCAN_KERNELS,
    // What is imported below is loaded when first needed: TF.js is larger than all the rest.
    loadGenerator: async (manifest, readFile) => {
      if (generatorEngine(manifest) === "wasm") {
        return loadWasmGenerator(generatorModule, manifest, readFile);
      }
      const [{ loadTfjsGenerator }, { default: tfjsModule }] = await Promise.all([
        import("./generator-tfjs.ts"),
        import("@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm-simd.wasm"),
      ]);
      return loadTfjsGenerator(tfjsModule, manifest, readFile);
    },
    decodeJpeg: async (bytes) => {
      const [{ createJpegDecoder }, { default: jpegModule }] = await Promise.all([
        import("./jpeg-image.ts"),
        import("@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm"),
      ]);
      decodeJpeg ??= createJpegDecoder(jpegModule);
      return decodeJpeg(bytes);
    },
    responseCache: caches.default,
    apiKeys: env.API_KEYS,
    rateLimiter: env.RATE_LIMITER,
    logLevel: env.LOG_LEVEL,
  });
}
