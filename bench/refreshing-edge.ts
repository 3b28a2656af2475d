/**
 * The same Worker with its models on a server of their own, which it asks every 200 ms for newer ones: what R2 is to it on
 * Cloudflare. For loads in which that server changes and fails.
 */

/// <reference path="../edge/wasm-modules.d.ts" />

import jpegModule from "@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm";
import { createApp } from "../edge/app.ts";
import { loadWasmGenerator } from "../edge/generator-wasm.ts";
import { createJpegDecoder } from "../edge/jpeg-image.ts";
import { SCAN_KERNELS } from "../edge/scan-kernels.ts";
import { pagePath } from "../edge/storage/storage.ts";
import generatorModule from "../kernels/build/generator.wasm";

interface Env {
  readonly ASSETS: { fetch(url: string, init?: RequestInit): Promise<Response> };
}

interface ExecutionContext {
  waitUntil(promise: Promise<unknown>): void;
}

const REFRESH_MS = 200;

let app: ReturnType<typeof createApp> | null = null;

export default {
  fetch(request: Request, env: Env, context: ExecutionContext): Response | Promise<Response> {
    app ??= createApp({
      fetchAsset: (path) => env.ASSETS.fetch(`https://assets/${path}`),
      storage: {
        refreshMs: REFRESH_MS,
        openPage: (path, page) => env.ASSETS.fetch(`https://assets/${pagePath(path, page)}`),
        open: (path, knownTag) =>
          env.ASSETS.fetch(`https://assets/${path}`, {
            headers: knownTag ? { "if-none-match": knownTag } : {},
          }),
      },
      memoryBytes: 100 * 2 ** 20,
      vectors: null,
      scanKernels: SCAN_KERNELS,
      loadGenerator: (manifest, readFile) => loadWasmGenerator(generatorModule, manifest, readFile),
      decodeJpeg: createJpegDecoder(jpegModule),
      logLevel: "off",
    });
    return app.fetch(request, { waitUntil: (promise: Promise<unknown>) => context.waitUntil(promise) });
  },
};
