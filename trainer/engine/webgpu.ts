import type { EngineKind } from "./kind.ts";
import { createDeviceEngine } from "./onnx-device-engine.ts";
import { moduleBeside } from "./own-process.ts";
import { probeInProcess } from "./probe-process.ts";

/** Enough to hide what a run costs; more only makes the graph longer, since the state stays on the device anyway. */
const UNROLL = 8;

export const webgpu: EngineKind = {
  name: "webgpu",
  about: "ONNX Runtime on any GPU: Vulkan, Metal, Direct3D 12",
  probe: () =>
    probeInProcess({
      script: moduleBeside(import.meta, "./webgpu-probe"),
      remedy: "update the graphics card's driver",
    }),
  create: async () => createDeviceEngine({ provider: "webgpu", unroll: UNROLL }),
};
