/** TF.js as a peer: the MLP with stock operators on its stock wasm backend, which has one thread in Node. */

import { createRequire } from "node:module";
import { dirname } from "node:path";
import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-layers"; // registers the gradients of the operators
import { LATENT_SIZE, MLP } from "./models.ts";
import { type Contestant, timeCalls } from "./turns.ts";

const OUTPUT_SIZE = 784;

export async function useTfjsWasm(): Promise<void> {
  const wasm = createRequire(import.meta.url).resolve(
    "@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm-simd.wasm",
  );
  setWasmPaths(`${dirname(wasm)}/`);
  await tf.setBackend("wasm");
}

/** Times the same tasks as the PyTorch peer. */
export async function startTfjs(task: "step" | "sample", batch: number): Promise<Contestant> {
  await useTfjsWasm();
  const sizes = [LATENT_SIZE, MLP.width, MLP.width, OUTPUT_SIZE];
  const layers = sizes.slice(1).map((units, i) => ({
    kernel: tf.variable(tf.randomNormal<tf.Rank.R2>([sizes[i]!, units], 0, Math.sqrt(2 / sizes[i]!))),
    bias: tf.variable(tf.zeros<tf.Rank.R1>([units])),
  }));
  const apply = (x: tf.Tensor2D) =>
    layers.reduce((value, { kernel, bias }, i) => {
      const sum = tf.add<tf.Tensor2D>(tf.matMul(value, kernel), bias);
      return i === layers.length - 1 ? tf.sigmoid(sum) : tf.relu(sum);
    }, x);

  const latents = tf.randomNormal<tf.Rank.R2>([batch, LATENT_SIZE]);
  const targets = tf.randomUniform<tf.Rank.R2>([batch, OUTPUT_SIZE]);
  const adam = tf.train.adam(1e-3);
  const step = () => {
    const loss = adam.minimize(() => tf.mean(tf.squaredDifference(apply(latents), targets)), true)!;
    return loss.data().then(() => loss.dispose());
  };
  const sample = () => {
    const samples = tf.tidy(() => apply(latents));
    return samples.data().then(() => samples.dispose());
  };
  return {
    label: `TF.js ${tf.version_core}, wasm`,
    time: (count) => timeCalls(count, task === "step" ? step : sample),
  };
}
