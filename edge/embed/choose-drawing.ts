/** Whether the GPU draws a model: where it was asked for, or, by what was measured on the model itself, where it pays. */

import { sampleInputs } from "../../shared/generator-inputs.ts";
import { inputSpecOf, type Manifest } from "../../shared/manifest.ts";
import type { WasmGenerator } from "../generator-wasm.ts";
import { BATCH, type Drawing, drawingOn } from "./drawing.ts";
import { EmbedError } from "./embed-error.ts";
import type { EngineChoice } from "./engine-choice.ts";
import { createWebgpuGenerator, type WebgpuGenerator } from "./webgpu/generator-webgpu.ts";

/** What our kernel draws beside the GPU, to see that it draws the same. */
const COMPARED = 4;

/** They may differ by a grey level, or as much of the largest number: rounding is less than a tenth of that. */
const TOLERANCE = 1 / 255;

/** auto looks for no GPU where our kernel draws a batch in less: reading back alone takes milliseconds. */
const WORTH_MS = 5;

const TIMED_MS = 4;
const GPU_ROUNDS = 3;

/** auto goes on without a GPU that isn't ready after so long. */
const PATIENCE_MS = 2_000;

/** @throws EmbedError no-webgpu, if that was chosen and can't be had */
export async function chooseDrawing(
  choice: EngineChoice,
  wasm: WasmGenerator,
  manifest: Manifest,
): Promise<Drawing> {
  const without = drawingOn(wasm, null, 0);
  if (choice === "wasm") return without;
  if (choice === "webgpu") return drawingOn(wasm, await demandGpu(wasm, manifest), 1);
  const measured = drawingThatPays(wasm, manifest);
  const drawing = await Promise.race([measured, after(PATIENCE_MS)]);
  if (drawing) return drawing;
  measured.then((late) => late?.dispose());
  return without;
}

async function demandGpu(wasm: WasmGenerator, manifest: Manifest): Promise<WebgpuGenerator> {
  const refusal = (why: string) =>
    new EmbedError("no-webgpu", `engine "webgpu": ${why}; leave the engine out, and WebAssembly draws`);
  if (!globalThis.navigator?.gpu) throw refusal("this browser has no WebGPU, or not for this page");
  const adapter = await findAdapter();
  if (!adapter) throw refusal("this browser finds no GPU that it lets pages use");
  try {
    return await openGpu(wasm, manifest, adapter);
  } catch (error) {
    const [reason] = (error as Error).message.split("\n");
    throw refusal(`the GPU can't draw model "${manifest.name}" (${reason})`);
  }
}

/** Null: there is no GPU but in software, it can't draw the model, or it doesn't pay. */
async function drawingThatPays(wasm: WasmGenerator, manifest: Manifest): Promise<Drawing | null> {
  if (!globalThis.navigator?.gpu) return null;
  const wasmMs = msOfSample(wasm, manifest);
  if (wasmMs * BATCH < WORTH_MS) return null;
  const adapter = await findAdapter();
  if (!adapter || isSoftware(adapter)) return null;
  const gpu = await openGpu(wasm, manifest, adapter).catch(() => null);
  if (!gpu) return null;
  const count = Math.min(BATCH, gpu.batch);
  const gpuMs = await msOfBatch(gpu, manifest, count).catch(() => Number.POSITIVE_INFINITY);
  const least = Math.max(Math.ceil(gpuMs / wasmMs), 1);
  if (least <= count) return drawingOn(wasm, gpu, least);
  gpu.dispose();
  return null;
}

/** The GPU that the browser prefers: of a laptop's two the thrifty one. */
function findAdapter(): Promise<GPUAdapter | null> {
  return navigator.gpu.requestAdapter().catch(() => null);
}

/** Older browsers tell it of the adapter itself. */
function isSoftware(adapter: GPUAdapter): boolean {
  return Boolean(adapter.info?.isFallbackAdapter ?? Reflect.get(adapter, "isFallbackAdapter"));
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

function msOfSample(wasm: WasmGenerator, manifest: Manifest): number {
  const inputs = trialInputs(manifest, COMPARED);
  wasm.generate(inputs, COMPARED); // warms up
  let [samples, elapsed] = [0, 0];
  for (const start = performance.now(); elapsed < TIMED_MS; elapsed = performance.now() - start) {
    wasm.generate(inputs, COMPARED);
    samples += COMPARED;
  }
  return elapsed / samples;
}

/** Of the fastest, read back. */
async function msOfBatch(gpu: WebgpuGenerator, manifest: Manifest, count: number): Promise<number> {
  const inputs = trialInputs(manifest, count);
  let fastest = Number.POSITIVE_INFINITY;
  for (let round = 0; round < GPU_ROUNDS; round++) {
    const start = performance.now();
    await gpu.generate(inputs, count);
    fastest = Math.min(fastest, performance.now() - start);
  }
  return fastest;
}

function trialInputs(manifest: Manifest, count: number): Float32Array<ArrayBuffer> {
  return sampleInputs(inputSpecOf(manifest), { seed: 0, first: 0, count });
}

function after(milliseconds: number): Promise<null> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds, null));
}
