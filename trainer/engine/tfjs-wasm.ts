import type { EngineKind } from "./kind.ts";
import { missingPackage } from "./packages.ts";

const PACKAGES = ["@tensorflow/tfjs-core", "@tensorflow/tfjs-backend-wasm"];

export const tfjsWasm: EngineKind = {
  name: "tfjs:wasm",
  about: "TF.js on WebAssembly",
  probe: async () => missingPackage(PACKAGES, `\`npm install ${PACKAGES.join(" ")}\``) ?? { works: true },
  async create() {
    const { wasmBackend } = await import("./tfjs/wasm.ts");
    const { createTfjsEngine } = await import("./tfjs-engine.ts");
    return createTfjsEngine("tfjs:wasm", await wasmBackend());
  },
};
