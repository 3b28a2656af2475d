/** What draws a model's samples: our kernel, or the GPU for requests that are large enough for it to pay. */

import type { WasmGenerator } from "../generator-wasm.ts";
import type { DrawingEngine } from "./engine-choice.ts";
import type { WebgpuGenerator } from "./webgpu/generator-webgpu.ts";

export interface Drawing {
  /** webgpu: on the GPU, small requests perhaps not. It turns to wasm for good where the GPU fails. */
  readonly engine: DrawingEngine;
  /** A request of so many samples, which is drawn batch by batch. */
  begin(total: number): DrawingRequest;
  /** Frees the GPU's memory. */
  dispose(): void;
}

export interface DrawingRequest {
  /** The most samples of the next batch. */
  readonly batch: number;
  /** The next batch keeps its thread busy, which should look at its messages first. */
  readonly isBlocking: boolean;
  /**
   * @param inputs [count, input size]
   * @returns      [count, output length] float32, not clamped
   */
  draw(inputs: Float32Array<ArrayBuffer>, count: number, signal: AbortSignal): Promise<Float32Array>;
}

/** Samples that our kernel draws between two looks at the signal. */
export const BATCH = 64;

/** @param least samples of a request that the GPU draws */
export function drawingOn(wasm: WasmGenerator, working: WebgpuGenerator | null, least: number): Drawing {
  let gpu = working;
  const giveUp = () => {
    gpu?.dispose();
    gpu = null;
  };
  void gpu?.lost.then(giveUp);
  return {
    get engine() {
      return gpu ? "webgpu" : "wasm";
    },
    begin(total) {
      const ours = () => (total >= least ? gpu : null);
      return {
        get batch() {
          return ours()?.batch ?? BATCH;
        },
        get isBlocking() {
          return !ours();
        },
        async draw(inputs, count, signal) {
          try {
            const drawn = await ours()?.generate(inputs, count);
            if (drawn) return drawn;
          } catch {
            giveUp();
            signal.throwIfAborted();
          }
          return wasm.generate(inputs, count);
        },
      };
    },
    dispose: giveUp,
  };
}
