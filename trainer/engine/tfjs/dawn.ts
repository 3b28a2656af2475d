/** WebGPU in Node: Dawn, from the npm package `webgpu`. */

import { create, globals } from "webgpu";

/** The fastest adapter; null if there is none. Puts WebGPU's names where a browser has them, as TF.js expects. */
export async function requestAdapter(): Promise<GPUAdapter | null> {
  if (!("gpu" in navigator)) {
    Object.assign(globalThis, globals);
    Object.defineProperty(navigator, "gpu", { value: create([]) });
  }
  return (navigator as Navigator & { gpu: GPU }).gpu.requestAdapter({ powerPreference: "high-performance" });
}

/** Whether it computes on the CPU: SwiftShader, Mesa's llvmpipe, Direct3D's WARP. */
export function isSoftware({ info }: GPUAdapter): boolean {
  const names = [info.vendor, info.architecture, info.device, info.description].join(" ");
  return info.isFallbackAdapter || /swiftshader|llvmpipe|lavapipe|basic render|software/i.test(names);
}
