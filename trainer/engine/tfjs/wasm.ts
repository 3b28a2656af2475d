/** TF.js on WebAssembly: works everywhere, on one thread. */

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import wasmFactory from "@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm.js";
import * as tf from "@tensorflow/tfjs-core";
import type { TfjsBackend } from "./backend.ts";
import { laid } from "./layout.ts";
import { LOWERINGS, type Lowering, product } from "./lowerings.ts";

/** A name of our own: "wasm" may be registered by others, who may remove it. */
const NAME = "imle-edge:wasm";

const ADDRESSABLE_BYTES = 2 ** 32;

let ready: Promise<TfjsBackend> | null = null;

export function wasmBackend(): Promise<TfjsBackend> {
  return (ready ??= register());
}

/** TF.js's matrix product is fast for operands as they lie, and 5 to 20 times slower for transposed ones. */
const matmul: Lowering = (node, operands) => {
  const { a, b, transposeA, transposeB, bias } = product(node, operands);
  return laid(
    tf.fused.matMul({
      a: transposeA ? tf.transpose(a) : a,
      b: transposeB ? tf.transpose(b) : b,
      ...(bias && { bias }),
    }),
  );
};

/** TF.js's own takes everything below 1.2e-7 for 0. */
const sign: Lowering = ({ inputs }, [x]) => {
  const positive = tf.step(x!.data);
  const neverNegative = inputs[0]!.op === "relu"; // as in the gradient of relu
  return laid(neverNegative ? positive : tf.sub(positive, tf.step(tf.neg(x!.data))), x!.order);
};

async function register(): Promise<TfjsBackend> {
  const wasm = await instantiate();
  tf.copyRegisteredKernels("wasm", NAME);
  tf.registerBackend(
    NAME,
    () => new (BackendWasm as unknown as new (wasm: unknown) => tf.KernelBackend)(wasm),
    0,
  );
  return {
    name: NAME,
    description: "WebAssembly, 1 thread",
    device: "host",
    lowerings: { ...LOWERINGS, matmul, sign },
  };
}

/** What the backend's own `init` does, which isn't exported. */
async function instantiate(): Promise<unknown> {
  const path = createRequire(import.meta.url).resolve(
    "@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm-simd.wasm",
  );
  const module = await WebAssembly.compile(await readFile(path));
  const wasm = await withoutListeners(() =>
    createWasm({
      instantiateWasm(imports, done) {
        const instance = new WebAssembly.Instance(module, imports);
        done(instance);
        return instance.exports;
      },
    }),
  );
  wasm._free(wasm._malloc(1)); // the first call puts itself in the place of what calls it later
  wasm._malloc = checked(wasm._malloc);
  wasm.tfjs = {
    init: wasm.cwrap("init", null, []),
    initWithThreadsCount: wasm.cwrap("init_with_threads_count", null, ["number"]),
    getThreadsCount: wasm.cwrap("get_threads_count", "number", []),
    registerTensor: wasm.cwrap("register_tensor", null, ["number", "number", "number"]),
    disposeData: wasm.cwrap("dispose_data", null, ["number"]),
    dispose: wasm.cwrap("dispose", null, []),
  };
  return wasm;
}

/** WebAssembly's allocator says 0 when memory runs out, and takes sizes modulo 4 GiB; TF.js would write there. */
function checked(allocate: EmscriptenModule["_malloc"]): EmscriptenModule["_malloc"] {
  return (bytes) => {
    const address = bytes < ADDRESSABLE_BYTES ? allocate(bytes) : 0;
    if (address === 0) throw new Error(`tfjs:wasm: out of memory: ${bytes} bytes more don't fit into 4 GiB`);
    return address;
  };
}

/**
 * Takes away the process's listeners that `start` adds: Emscripten's for uncaught errors throw them again, so that
 * Node shows its whole source, on one line, in the place of ours.
 */
function withoutListeners<Result>(start: () => Result): Result {
  const events = ["uncaughtException", "unhandledRejection"];
  const before = events.map((event) => process.rawListeners(event));
  const result = start();
  for (const [i, event] of events.entries()) {
    for (const listener of process.rawListeners(event)) {
      if (!before[i]!.includes(listener)) process.off(event, listener as () => void);
    }
  }
  return result;
}

interface EmscriptenModule {
  cwrap(name: string, returns: string | null, takes: readonly string[]): unknown;
  _malloc(bytes: number): number;
  _free(address: number): void;
  tfjs?: unknown;
}

/** The factory's published type knows no `instantiateWasm`. */
const createWasm = wasmFactory as unknown as (options: {
  instantiateWasm(
    imports: WebAssembly.Imports,
    done: (instance: WebAssembly.Instance) => void,
  ): WebAssembly.Exports;
}) => Promise<EmscriptenModule>;
