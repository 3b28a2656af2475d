/** TF.js on WebGPU, which in Node is Dawn: Vulkan, Metal, Direct3D 12. */

import * as tf from "@tensorflow/tfjs-core";
import type { TfjsBackend } from "./backend.ts";
import { requestAdapter } from "./dawn.ts";
import { LOWERINGS } from "./lowerings.ts";

/** A name of our own: "webgpu" may be registered by others, who may remove it. */
const NAME = "imle-edge:webgpu";

/** What a device says of buffers that it can't hold, and of what is done with them then. */
const ERRORS: readonly GPUErrorFilter[] = ["validation", "out-of-memory"];

let ready: Promise<TfjsBackend> | null = null;

/** @throws Error if there is no adapter */
export function webgpuBackend(): Promise<TfjsBackend> {
  return (ready ??= register());
}

async function register(): Promise<TfjsBackend> {
  const adapter = await requestAdapter();
  if (!adapter) throw new Error("tfjs:webgpu: no adapter");
  const { WebGPUBackend } = await import("@tensorflow/tfjs-backend-webgpu");
  const { limits } = adapter;
  const device = await adapter.requestDevice({
    // What TF.js's own set-up asks for.
    requiredLimits: {
      maxComputeWorkgroupStorageSize: limits.maxComputeWorkgroupStorageSize,
      maxComputeWorkgroupsPerDimension: limits.maxComputeWorkgroupsPerDimension,
      maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
      maxBufferSize: limits.maxBufferSize,
      maxComputeWorkgroupSizeX: limits.maxComputeWorkgroupSizeX,
      maxComputeInvocationsPerWorkgroup: limits.maxComputeInvocationsPerWorkgroup,
    },
  });
  // Small numbers are computed where large ones are: the same arithmetic, and no waiting for either.
  tf.env().set("WEBGPU_CPU_FORWARD", false);
  const backend = new WebGPUBackend(device, adapter.info);
  tf.copyRegisteredKernels("webgpu", NAME);
  tf.registerBackend(NAME, () => backend, 0);
  const { description, device: model, architecture } = adapter.info;
  return {
    name: NAME,
    description: `WebGPU on ${description || model || architecture || "an unnamed adapter"}`,
    device: "gpu",
    lowerings: LOWERINGS,
    watched(work) {
      for (const filter of ERRORS) device.pushErrorScope(filter);
      try {
        const result = work();
        backend.ensureCommandEncoderReady();
        backend.endComputePassEncoder();
        backend.submitQueue();
        return { result, failure: firstOf(ERRORS.map(() => device.popErrorScope())) };
      } catch (error) {
        for (const _ of ERRORS) void device.popErrorScope();
        throw error;
      }
    },
  };
}

/** The first thing that went wrong; a device that is lost doesn't answer any more. */
async function firstOf(scopes: readonly Promise<GPUError | null>[]): Promise<Error | null> {
  try {
    const error = (await Promise.all(scopes)).find((each) => each !== null);
    return error ? new Error(`tfjs:webgpu: ${error.message || "out of memory"}`) : null;
  } catch (error) {
    return error as Error;
  }
}
