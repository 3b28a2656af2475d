/** TF.js on TensorFlow's own library, by the npm packages @tensorflow/tfjs-node and tfjs-node-gpu. */

import * as tf from "@tensorflow/tfjs-core";
import type { TfjsBackend } from "./backend.ts";
import { restoreLegacyUtil } from "./legacy-util.ts";
import { LOWERINGS } from "./lowerings.ts";

export type TensorflowPackage = "@tensorflow/tfjs-node" | "@tensorflow/tfjs-node-gpu";

/** As either package registers it. */
const NAME = "tensorflow";

let loaded: { readonly name: TensorflowPackage; readonly ready: Promise<TfjsBackend> } | null = null;

/** @throws Error if the package can't be loaded, or the other one is already: they can't share a process */
export async function tensorflowBackend(name: TensorflowPackage): Promise<TfjsBackend> {
  loaded ??= { name, ready: register(name) };
  if (loaded.name !== name) throw new Error(`${name}: this process has loaded ${loaded.name} already`);
  return loaded.ready;
}

async function register(name: TensorflowPackage): Promise<TfjsBackend> {
  restoreLegacyUtil();
  // Products rounded to 10 bits (TF32) would put gradients 1e-3 away from other engines'.
  process.env["NVIDIA_TF32_OVERRIDE"] ??= "0";
  const before: string | undefined = tf.getBackend();
  await import(name);
  const backend = tf.findBackend(NAME) as (tf.KernelBackend & { isUsingGpuDevice?: boolean }) | null;
  if (before) await tf.setBackend(before); // the package makes itself the current one
  if (!backend) throw new Error(`${name}: it brings a TF.js of its own, expected ${tf.version_core}`);
  const gpu = backend.isUsingGpuDevice === true;
  return {
    name: NAME,
    description: `TensorFlow on ${gpu ? "a CUDA GPU" : "the CPU"}`,
    device: gpu ? "gpu" : "host",
    lowerings: LOWERINGS,
  };
}
