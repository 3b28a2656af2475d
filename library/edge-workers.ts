/** `imle-edge/edge` for Workers, and whatever else imports WebAssembly as compiled modules. */

import jpegModule from "@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm";
import { createJpegDecoder } from "../edge/jpeg-image.ts";
import { SCAN_KERNELS } from "../edge/scan-kernels.ts";
import generatorKernel from "../kernels/build/generator.wasm";
import { type Edge, type EdgeOptions, edgeOn } from "./edge.ts";

export * from "./edge.ts";

/**
 * The routes of the edge: /sample, /nearest, /models and all the others but the pages.
 *
 * @param options where models lie, and what is allowed; see `EdgeOptions`
 * @returns for `app.mount("/imle", createEdge({ basePath: "/imle", … }))` in Hono, or as a Worker's `fetch`
 * @throws Error if an option can't be used
 */
export function createEdge(options: EdgeOptions): Edge {
  return edgeOn(
    {
      generatorKernel,
      scanKernels: SCAN_KERNELS,
      decodeJpeg: createJpegDecoder(jpegModule),
    },
    {
      clientAddress: (request) => request.headers.get("cf-connecting-ip") ?? undefined,
      ...options,
    },
  );
}
