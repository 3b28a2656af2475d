import type { EngineKind } from "./kind.ts";
import { createOnnxEngine } from "./onnx-engine.ts";

export const cpu: EngineKind = {
  name: "cpu",
  about: "ONNX Runtime on the CPU",
  probe: async () => ({ works: true }),
  create: async () => createOnnxEngine(),
};
