/** The generator on a GPU: a command buffer and a read-back for a batch of samples, a dispatch for each layer. */

import type { WasmGenerator } from "../../generator-wasm.ts";
import type { DenseLayer, ImageLayer } from "../../wasm-layers.ts";
import { layerShader, tileOf } from "./layer-shader.ts";

export interface WebgpuGenerator {
  /** The most samples that it draws at once. */
  readonly batch: number;
  /**
   * Row i of the output depends on row i of the latents alone, to the bit; our kernel's is the same but for rounding.
   *
   * @param latents [count, input size]
   * @param count   1 to batch
   * @returns       [count, output length] float32, not clamped
   * @throws Error where the GPU refuses or is lost; then this generator is of no more use
   */
  generate(latents: Float32Array<ArrayBuffer>, count: number): Promise<Float32Array<ArrayBuffer>>;
  /** Settles when the GPU is gone, or disposed of. */
  readonly lost: Promise<unknown>;
  /** Frees its memory. */
  dispose(): void;
}

/** WebGPU's flags, which TypeScript's types leave out. */
declare const GPUBufferUsage: Readonly<Record<"STORAGE" | "MAP_READ" | "COPY_SRC" | "COPY_DST", number>>;
declare const GPUShaderStage: Readonly<Record<"COMPUTE", number>>;
declare const GPUMapMode: Readonly<Record<"READ", number>>;

const MAX_BATCH = 256;

/** What lies between two layers, of a batch. */
const ROOM_BYTES = 32 * 1024 * 1024;

/** Every WebGPU has as many workgroups along a side. */
const MAX_WORKGROUPS = 65535;

const ERRORS: readonly GPUErrorFilter[] = ["validation", "out-of-memory", "internal"];

/** @throws Error where the GPU can't hold the model, or refuses */
export async function createWebgpuGenerator(
  adapter: GPUAdapter,
  { dense, image, weights }: WasmGenerator["network"],
): Promise<WebgpuGenerator> {
  const layers = [...dense.map(asPixel), ...image];
  const inputSize = layers[0]!.height * layers[0]!.width * layers[0]!.matrix.rows;
  const outputSize = givenBy(layers.at(-1)!);
  const largest = Math.max(inputSize, ...layers.map(givenBy));
  const pixels = layers.map((layer) => (MAX_WORKGROUPS * tileOf(layer).pixels) / layer.height / layer.width);
  const batch = Math.floor(Math.min(MAX_BATCH, Math.max(ROOM_BYTES / 4 / largest, 1), ...pixels));
  if (batch < 1) throw new Error("its images are too large");
  const mostBytes = Math.max(weights.byteLength, batch * largest * 4);
  const device = await adapter.requestDevice({
    requiredLimits: { maxBufferSize: mostBytes, maxStorageBufferBindingSize: mostBytes },
  });
  try {
    const steps = await checked(device, () => {
      const { STORAGE, COPY_DST, COPY_SRC } = GPUBufferUsage;
      const kernel = device.createBuffer({ size: weights.byteLength, usage: STORAGE | COPY_DST });
      device.queue.writeBuffer(kernel, 0, weights);
      // Layers write the one and read the other.
      const between = [0, 1].map(() =>
        device.createBuffer({ size: batch * largest * 4, usage: STORAGE | COPY_DST | COPY_SRC }),
      );
      const layout = device.createBindGroupLayout({
        entries: (["read-only-storage", "read-only-storage", "storage"] as const).map((type, binding) => ({
          binding,
          visibility: GPUShaderStage.COMPUTE,
          buffer: { type },
        })),
      });
      return Promise.all(
        layers.map(async (layer, i) => {
          const [x, y] = [between[i % 2]!, between[(i + 1) % 2]!];
          const bindings = device.createBindGroup({
            layout,
            entries: [kernel, x, y].map((buffer, binding) => ({ binding, resource: { buffer } })),
          });
          const pipeline = await device.createComputePipelineAsync({
            layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
            compute: { module: device.createShaderModule({ code: layerShader(layer, batch) }) },
          });
          return { layer, pipeline, bindings, x, y };
        }),
      );
    });

    const generate = (latents: Float32Array<ArrayBuffer>, count: number) => {
      const bytes = count * outputSize * 4;
      return checked(device, async () => {
        // One for each batch, so that requests don't wait for each other.
        const outputs = device.createBuffer({
          size: bytes,
          usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
        });
        device.queue.writeBuffer(steps[0]!.x, 0, latents, 0, count * inputSize);
        const encoder = device.createCommandEncoder();
        const pass = encoder.beginComputePass();
        for (const { layer, pipeline, bindings } of steps) {
          const tile = tileOf(layer);
          pass.setPipeline(pipeline);
          pass.setBindGroup(0, bindings);
          pass.dispatchWorkgroups(
            Math.ceil((count * layer.height * layer.width) / tile.pixels),
            Math.ceil(layer.filters / tile.filters),
            layer.stride ** 2,
          );
        }
        pass.end();
        encoder.copyBufferToBuffer(steps.at(-1)!.y, 0, outputs, 0, bytes);
        device.queue.submit([encoder.finish()]);
        try {
          await outputs.mapAsync(GPUMapMode.READ);
          return new Float32Array(outputs.getMappedRange().slice(0));
        } finally {
          outputs.destroy();
        }
      });
    };
    return { batch, generate, lost: device.lost, dispose: () => device.destroy() };
  } catch (error) {
    device.destroy();
    throw error;
  }
}

/** A dense layer is a convolution of a single pixel. */
function asPixel(layer: DenseLayer): ImageLayer {
  return { ...layer, height: 1, width: 1, filters: layer.matrix.columns, size: 1, stride: 1, padding: 0 };
}

/** Numbers that a layer gives for one sample. */
function givenBy({ height, width, stride, filters }: ImageLayer): number {
  return height * width * stride ** 2 * filters;
}

/** What the GPU refuses it only tells who asks; without asking, the read-back would be of an earlier batch. */
async function checked<Result>(device: GPUDevice, work: () => Promise<Result>): Promise<Result> {
  for (const filter of ERRORS) device.pushErrorScope(filter);
  const result = work();
  const noErrors = ERRORS.map(async () => {
    const error = await device.popErrorScope();
    if (error) throw new Error(error.message);
  });
  return (await Promise.all([result, ...noErrors]))[0];
}
