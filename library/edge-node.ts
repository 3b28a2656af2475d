/** `imle-edge/edge` for Node, and whatever else reads files as Node does. */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createJpegDecoder } from "../edge/jpeg-image.ts";
import { kernelModule, scanKernels } from "../trainer/engine/kernels.ts";
import { type Edge, type EdgeOptions, edgeOn } from "./edge.ts";

export * from "./edge.ts";
export { folderStorage } from "./folder-storage.ts";

/**
 * The routes of the edge: /sample, /nearest, /models and all the others but the pages.
 *
 * @param options where models lie, say `{ storage: await folderStorage(["models/glyphs"]) }`, and what is allowed
 * @returns for `app.mount("/imle", createEdge({ basePath: "/imle", … }))` in Hono, or any server of fetch functions
 * @throws Error if an option can't be used
 */
export function createEdge(options: EdgeOptions): Edge {
  return edgeOn(
    {
      generatorKernel: kernelModule("generator"),
      scanKernels: scanKernels(),
      decodeJpeg: createJpegDecoder(compiled("@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm")),
    },
    options,
  );
}

function compiled(path: string): WebAssembly.Module {
  return new WebAssembly.Module(readFileSync(createRequire(import.meta.url).resolve(path)));
}
