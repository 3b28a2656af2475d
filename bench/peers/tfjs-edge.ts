/** The same Worker with its generator on TF.js: the peer of `edge/sample-n1-cpu-ms` and `edge/sample-n64-cpu-ms`. */

/// <reference path="../../edge/wasm-modules.d.ts" />

import tfjsModule from "@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm-simd.wasm";
import { createApp } from "../../edge/app.ts";
import { loadTfjsGenerator } from "../../edge/generator-tfjs.ts";
import { SCAN_KERNELS } from "../../edge/scan-kernels.ts";
import { assetStorage } from "../../edge/storage/assets.ts";

interface Env {
  readonly ASSETS: { fetch(url: string): Promise<Response> };
}

let app: ReturnType<typeof createApp> | null = null;

export default {
  fetch(request: Request, env: Env): Response | Promise<Response> {
    const fetchAsset = (path: string) => env.ASSETS.fetch(`https://assets/${path}`);
    app ??= createApp({
      fetchAsset,
      storage: assetStorage(fetchAsset),
      vectors: null,
      memoryBytes: 100 * 2 ** 20,
      scanKernels: SCAN_KERNELS,
      loadGenerator: (manifest, readFile) => loadTfjsGenerator(tfjsModule, manifest, readFile),
      decodeJpeg: () => Promise.reject(new Error("no JPEGs here")),
    });
    return app.fetch(request, {});
  },
};
