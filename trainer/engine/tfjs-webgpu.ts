import type { EngineKind } from "./kind.ts";
import { moduleBeside } from "./own-process.ts";
import { missingPackage } from "./packages.ts";
import { probeInProcess } from "./probe-process.ts";

const PACKAGES = ["webgpu", "@tensorflow/tfjs-backend-webgpu"];

export const tfjsWebgpu: EngineKind = {
  name: "tfjs:webgpu",
  about: "TF.js on any GPU: Vulkan, Metal, Direct3D 12",
  async probe() {
    return (
      missingPackage(PACKAGES, `\`npm install ${PACKAGES.join(" ")}\``) ??
      probeInProcess({
        script: moduleBeside(import.meta, "./tfjs/webgpu-probe"),
        remedy: "update the graphics card's driver",
      })
    );
  },
  async create() {
    const { webgpuBackend } = await import("./tfjs/webgpu.ts");
    const { createTfjsEngine } = await import("./tfjs-engine.ts");
    return createTfjsEngine("tfjs:webgpu", await webgpuBackend());
  },
};
