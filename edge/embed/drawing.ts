/** What draws a model's samples: our kernel, or the GPU for requests that are large enough for it to pay. */

import { sampleInputs } from "../../shared/generator-inputs.ts";
import { inputSpecOf, type Manifest } from "../../shared/manifest.ts";
import type { WasmGenerator } from "../generator-wasm.ts";
import { EmbedError } from "./embed-error.ts";
import type { DrawingEngine, EngineChoice } from "./engine-choice.ts";
import { createWebgpuGenerator, type WebgpuGenerator } from "./webgpu/generator-webgpu.ts";

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
const BATCH = 64;

/** What our kernel draws beside the GPU, to see that it draws the same. */
const COMPARED = 4;

/** They may differ by half a grey level, or as much of the largest number: rounding is a thousandth of that. */
const TOLERANCE = 0.5 / 255;

const TIMED_MS = 4;
const GPU_ROUNDS = 3;

/** auto goes on without a GPU that isn't ready after so long. */
const PATIENCE_MS = 2_000;

/**
 * The GPU that the browser prefers: which is a laptop's thrifty one. Null: none, or none is wanted.
 *
 * @param choice auto: none that computes on the CPU either
 */
export async function findGpu(choice: EngineChoice): Promise<GPUAdapter | null> {
  if (choice === "wasm" || !globalThis.navigator?.gpu) return null;
  const adapter = await navigator.gpu.requestAdapter().catch(() => null);
  return adapter && choice === "auto" && isSoftware(adapter) ? null : adapter;
}

/** Older browsers tell it of the adapter itself. */
function isSoftware(adapter: GPUAdapter): boolean {
  return Boolean(adapter.info?.isFallbackAdapter ?? Reflect.get(adapter, "isFallbackAdapter"));
}

/** @throws EmbedError no-webgpu, if that was chosen and can't be had */
export async function chooseDrawing(
  choice: EngineChoice,
  wasm: WasmGenerator,
  manifest: Manifest,
  found: Promise<GPUAdapter | null>,
): Promise<Drawing> {
  const without = drawingOn(wasm, null, 0);
  if (choice === "wasm") return without;
  if (choice === "webgpu") return drawingOn(wasm, await demandGpu(wasm, manifest, await found), 1);
  const measured = measureGpu(wasm, manifest, found);
  const drawing = await Promise.race([measured, after(PATIENCE_MS)]);
  if (drawing) return drawing;
  measured.then((late) => late?.dispose());
  return without;
}

async function demandGpu(
  wasm: WasmGenerator,
  manifest: Manifest,
  adapter: GPUAdapter | null,
): Promise<WebgpuGenerator> {
  const refusal = (why: string) =>
    new EmbedError("no-webgpu", `engine "webgpu": ${why}. Leave the engine out, and WebAssembly draws`);
  if (!globalThis.navigator?.gpu) throw refusal("this browser has no WebGPU, or not for this page");
  if (!adapter) throw refusal("this browser finds no GPU that it lets pages use");
  try {
    return await openGpu(wasm, manifest, adapter);
  } catch (error) {
    throw refusal(`the GPU can't draw model "${manifest.name}" (${(error as Error).message})`);
  }
}

/** Null: there is no GPU, it can't draw the model, or it doesn't pay. */
async function measureGpu(
  wasm: WasmGenerator,
  manifest: Manifest,
  found: Promise<GPUAdapter | null>,
): Promise<Drawing | null> {
  const adapter = await found;
  const gpu = adapter && (await openGpu(wasm, manifest, adapter).catch(() => null));
  if (!gpu) return null;
  const least = await leastThatPays(wasm, gpu, manifest).catch(() => null);
  if (least !== null) return drawingOn(wasm, gpu, least);
  gpu.dispose();
  return null;
}

/** @throws Error if the GPU can't draw the model, or draws something else than our kernel */
async function openGpu(
  wasm: WasmGenerator,
  manifest: Manifest,
  adapter: GPUAdapter,
): Promise<WebgpuGenerator> {
  const gpu = await createWebgpuGenerator(adapter, wasm.network);
  try {
    const count = Math.min(COMPARED, gpu.batch);
    const inputs = trialInputs(manifest, count);
    const expected = wasm.generate(inputs, count);
    const drawn = await gpu.generate(inputs, count);
    const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
    const isSame = drawn.every((value, i) => Math.abs(value - expected[i]!) <= TOLERANCE * largest);
    if (!isSame) throw new Error("it computes other samples");
    return gpu;
  } catch (error) {
    gpu.dispose();
    throw error;
  }
}

/** The fewest samples for which the GPU's batch takes no longer than our kernel; null: it takes longer for them all. */
async function leastThatPays(
  wasm: WasmGenerator,
  gpu: WebgpuGenerator,
  manifest: Manifest,
): Promise<number | null> {
  const count = Math.min(BATCH, gpu.batch);
  const inputs = trialInputs(manifest, count);
  const few = Math.min(COMPARED, count);
  let samples = 0;
  let elapsed = 0;
  for (const start = performance.now(); elapsed < TIMED_MS; elapsed = performance.now() - start) {
    wasm.generate(inputs.subarray(0, (few * inputs.length) / count), few);
    samples += few;
  }
  let fastest = Number.POSITIVE_INFINITY;
  for (let round = 0; round < GPU_ROUNDS; round++) {
    const start = performance.now();
    await gpu.generate(inputs, count);
    fastest = Math.min(fastest, performance.now() - start);
  }
  const least = Math.max(Math.ceil((fastest * samples) / elapsed), 1);
  return least <= count ? least : null;
}

function trialInputs(manifest: Manifest, count: number): Float32Array<ArrayBuffer> {
  return sampleInputs(inputSpecOf(manifest), { seed: 0, first: 0, count });
}

/** @param least samples of a request that the GPU draws */
function drawingOn(wasm: WasmGenerator, working: WebgpuGenerator | null, least: number): Drawing {
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

function after(milliseconds: number): Promise<null> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds, null));
}
