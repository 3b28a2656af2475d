import type { EngineKind } from "./kind.ts";

export const tfjsWasm: EngineKind = {
  name: "tfjs:wasm",
  about: "TF.js on WebAssembly",
  probe: async () => ({ works: true }),
  async create() {
    const { wasmBackend } = await import("./tfjs/wasm.ts");
    const { createTfjsEngine } = await import("./tfjs-engine.ts");
    return createTfjsEngine("tfjs:wasm", await wasmBackend());
  },
};
