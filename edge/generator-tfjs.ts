/**
 * The generator on TF.js layers with its WebAssembly backend, the same in workerd and in Node.
 *
 * XNNPACK's matrix product adds along the inner dimension in the same order for every batch size: measured,
 * sample i of 64 equals sample i alone to the bit for n = 1 … 64 and every activation. So requests run as one
 * batch (64 samples of a 64–1200–1200–784 MLP: 8.2 ms; one by one: 17 ms).
 */

import { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import wasmFactory from "@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm.js";
import * as tf from "@tensorflow/tfjs-core";
import { loadLayersModel } from "@tensorflow/tfjs-layers";
import { inputSizeOf } from "../shared/generator-inputs.ts";
import { BundleError, inputSpecOf, type Manifest } from "../shared/manifest.ts";
import type { Generator, ReadFile } from "./generator.ts";

/** @param wasmModule @tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm-simd.wasm, compiled */
export async function loadTfjsGenerator(
  wasmModule: WebAssembly.Module,
  manifest: Manifest,
  readFile: ReadFile,
): Promise<Generator> {
  await useWasmBackend(wasmModule);
  const model = await loadLayersModel({ load: () => readArtifacts(readFile) });
  const latentSize = inputSizeOf(inputSpecOf(manifest));
  const inputShape = model.inputs[0]!.shape.slice(1).join("×");
  const outputShape = model.outputs[0]!.shape.slice(1).join("×");
  if (inputShape !== `${latentSize}` || outputShape !== manifest.output.shape.join("×")) {
    throw new BundleError(
      `${manifest.name}/model.json: maps ${inputShape} to ${outputShape}, the manifest says ` +
        `${latentSize} to ${manifest.output.shape.join("×")}. Export the model again.`,
    );
  }
  return {
    generate(latents, count) {
      const output = tf.tidy(
        () => model.predictOnBatch(tf.tensor2d(latents, [count, latentSize])) as tf.Tensor,
      );
      const values = output.dataSync<"float32">();
      output.dispose();
      return values;
    },
  };
}

async function readArtifacts(readFile: ReadFile): Promise<tf.io.ModelArtifacts> {
  const json = JSON.parse(new TextDecoder().decode(await readFile("model.json"))) as tf.io.ModelJSON;
  const groups = json.weightsManifest;
  const shards = await Promise.all(groups.flatMap((group) => group.paths).map(readFile));
  return {
    modelTopology: json.modelTopology,
    weightSpecs: groups.flatMap((group) => group.weights),
    weightData: shards.map((bytes) =>
      bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength),
    ),
  };
}

let backendReady: Promise<void> | null = null;

/**
 * Registers TF.js's wasm backend from a compiled module.
 *
 * Workers forbid compiling WebAssembly from bytes, which the backend's own `init` does; so this does what
 * `init` does, with the module in hand.
 */
function useWasmBackend(wasmModule: WebAssembly.Module): Promise<void> {
  return (backendReady ??= (async () => {
    const wasm = await createWasm({
      instantiateWasm(imports, done) {
        const instance = new WebAssembly.Instance(wasmModule, imports);
        done(instance);
        return instance.exports;
      },
    });
    wasm.tfjs = {
      init: wasm.cwrap("init", null, []),
      initWithThreadsCount: wasm.cwrap("init_with_threads_count", null, ["number"]),
      getThreadsCount: wasm.cwrap("get_threads_count", "number", []),
      registerTensor: wasm.cwrap("register_tensor", null, ["number", "number", "number"]),
      disposeData: wasm.cwrap("dispose_data", null, ["number"]),
      dispose: wasm.cwrap("dispose", null, []),
    };
    tf.removeBackend("wasm"); // the one that would fetch its module
    tf.registerBackend(
      "wasm",
      () => new (BackendWasm as unknown as new (wasm: unknown) => tf.KernelBackend)(wasm),
    );
    await tf.setBackend("wasm");
  })());
}

interface EmscriptenModule {
  cwrap(name: string, returns: string | null, takes: readonly string[]): unknown;
  tfjs?: unknown;
}

/** The factory's published type knows no `instantiateWasm`. */
const createWasm = wasmFactory as unknown as (options: {
  instantiateWasm(
    imports: WebAssembly.Imports,
    done: (instance: WebAssembly.Instance) => void,
  ): WebAssembly.Exports;
}) => Promise<EmscriptenModule>;
