import type { EngineKind } from "./kind.ts";
import { createDeviceEngine } from "./onnx-device-engine.ts";
import { moduleBeside } from "./own-process.ts";
import { probeInProcess } from "./probe-process.ts";

/** The weights and Adam's state travel once a run, so a run takes many steps. */
const UNROLL = 32;

export const cuda: EngineKind = {
  name: "cuda",
  about: "ONNX Runtime on an NVIDIA GPU with CUDA 12",
  probe: () =>
    probeInProcess({ script: moduleBeside(import.meta, "./cuda-probe"), remedy: "update NVIDIA's driver" }),
  async create() {
    // cuBLAS and cuDNN would round products to 10 bits (TF32), and gradients would differ from other engines' by 1e-3.
    process.env["NVIDIA_TF32_OVERRIDE"] ??= "0";
    return createDeviceEngine({ provider: "cuda", unroll: UNROLL });
  },
};
