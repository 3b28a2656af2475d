/** The Cloudflare Worker. No other file knows Cloudflare's types. */

import alignModule from "../kernels/build/align.wasm";
import generatorModule from "../kernels/build/generator.wasm";
import pooledModule from "../kernels/build/pooled.wasm";
import scanModule from "../kernels/build/scan.wasm";
import { type App, createApp } from "./app.ts";
import { generatorEngine } from "./generator.ts";
import { loadWasmGenerator } from "./generator-wasm.ts";
import type { DecodeJpeg } from "./jpeg-image.ts";

interface Env {
  /** Static assets: models.json, NAME/… for every bundle, playground/…; see cli/assets.ts. */
  readonly ASSETS: Fetcher;
  /** A secret: `wrangler secret put API_KEYS`; see api-keys.ts. */
  readonly API_KEYS?: string;
  /** See wrangler.toml. */
  readonly RATE_LIMITER?: RateLimit;
  readonly LOG_LEVEL?: string;
}

let app: App | null = null;
let decodeJpeg: DecodeJpeg | null = null;

export default {
  fetch(request, env, context) {
    // Models stay loaded for as long as the isolate lives.
    app ??= createApp({
      fetchAsset: (path) => env.ASSETS.fetch(`https://assets/${path}`),
      scanKernels: { scan: scanModule, pooled: pooledModule, align: alignModule },
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
    return app.fetch(request, {
      waitUntil: (promise: Promise<unknown>) => context.waitUntil(promise),
      clientAddress: request.headers.get("cf-connecting-ip") ?? undefined,
    });
  },
} satisfies ExportedHandler<Env>;
