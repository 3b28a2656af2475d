/** The Cloudflare Worker. No other file knows Cloudflare's types. */

import jpegModule from "@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm";
import tfjsModule from "@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm-simd.wasm";
import scanModule from "../kernels/build/scan.wasm";
import { createApp } from "./app.ts";

interface Env {
  /** Static assets: models.json, NAME/… for every bundle, playground/…; see cli/assets.ts. */
  readonly ASSETS: Fetcher;
}

let app: ReturnType<typeof createApp> | null = null;

export default {
  fetch(request, env, context) {
    // Models stay loaded for as long as the isolate lives.
    app ??= createApp({
      fetchAsset: (path) => env.ASSETS.fetch(`https://assets/${path}`),
      scanModule,
      // Loaded when first needed: TF.js is most of the script.
      loadGenerator: async (manifest, readFile) => {
        const { loadTfjsGenerator } = await import("./generator-tfjs.ts");
        return loadTfjsGenerator(tfjsModule, manifest, readFile);
      },
      decodeJpeg: async (bytes) => {
        const { createJpegDecoder } = await import("./jpeg-image.ts");
        return createJpegDecoder(jpegModule)(bytes);
      },
    });
    return app.fetch(request, { waitUntil: (promise: Promise<unknown>) => context.waitUntil(promise) });
  },
} satisfies ExportedHandler<Env>;
