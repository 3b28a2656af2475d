/** The edge's routes as one function from requests to responses, for an app of one's own. */

import { type AppOptions, createApp } from "../edge/app.ts";
import type { LoadGenerator } from "../edge/generator.ts";
import { generatorEngine } from "../edge/generator.ts";
import { loadWasmGenerator } from "../edge/generator-wasm.ts";
import { BundleError } from "../shared/manifest.ts";

export type { ResponseCache } from "../edge/caching.ts";
export type { RateLimiter } from "../edge/rate-limit.ts";
export { assetStorage, type FetchAsset } from "../edge/storage/assets.ts";
export { embeddedStorage } from "../edge/storage/embedded.ts";
export { type Bucket, r2Storage } from "../edge/storage/r2.ts";
export type { ModelStorage, Page } from "../edge/storage/storage.ts";
export type { VectorDatabase } from "../shared/vector-index.ts";

/** What a host compiles, or imports as compiled. */
export interface Platform extends Pick<AppOptions, "scanKernels" | "decodeJpeg"> {
  readonly generatorKernel: WebAssembly.Module;
}

export interface EdgeOptions
  extends Pick<AppOptions, "storage">,
    Partial<
      Pick<
        AppOptions,
        | "basePath"
        | "memoryBytes"
        | "vectors"
        | "responseCache"
        | "apiKeys"
        | "rateLimiter"
        | "logLevel"
        | "writeLog"
      >
    > {
  /** By which a rate limiter tells clients apart; left out, or undefined: all count together. */
  readonly clientAddress?: (request: Request) => string | undefined;
}

/** Answers a request; the second and third argument are what Workers pass, and Hono's `mount`. */
export type Edge = (request: Request, env?: unknown, context?: Context) => Promise<Response>;

interface Context {
  waitUntil(promise: Promise<unknown>): void;
}

/** An isolate of Cloudflare's has 128 MB; the rest is for scripts and what requests hold. */
const MEMORY_BYTES = 100 * 2 ** 20;

/** All routes but the pages, on what the host brings. */
export function edgeOn(platform: Platform, { clientAddress, ...options }: EdgeOptions): Edge {
  const loadGenerator: LoadGenerator = (manifest, readFile) => {
    if (generatorEngine(manifest) === "wasm") {
      return loadWasmGenerator(platform.generatorKernel, manifest, readFile);
    }
    throw new BundleError(`${manifest.name}: has layers that only TF.js runs; serve it with \`imle serve\`.`);
  };
  const { scanKernels, decodeJpeg } = platform;
  const app = createApp({
    memoryBytes: MEMORY_BYTES,
    vectors: null,
    ...options,
    fetchAsset: null,
    scanKernels,
    decodeJpeg,
    loadGenerator,
  });
  return async (request, _env, context) =>
    app.fetch(request, {
      ...(context && { waitUntil: (promise: Promise<unknown>) => context.waitUntil(promise) }),
      clientAddress: clientAddress?.(request),
    });
}
