/**
 * The generator on our own kernel, kernels/generator.as.ts: faster than TF.js, a hundredth of its size, and the
 * same to the bit in workerd, Node and browsers.
 */

import { inputSizeOf } from "../shared/generator-inputs.ts";
import { type ActivationName, inputSpecOf, LEAKY_SLOPE, type Manifest } from "../shared/manifest.ts";
import type { Generator, ReadFile } from "./generator.ts";
import { type KernelViews, LIST_BYTES, mostOf, type PackedMatrix, productBytes } from "./packed-matrix.ts";
import { type ImageLayer, type PlacedLayers, placeLayers } from "./wasm-layers.ts";
import { loadWeights } from "./wasm-weights.ts";

interface GeneratorKernel {
  denseFloat32(
    x: number,
    xBytes: number,
    rows: number,
    inputs: number,
    weights: number,
    bias: number,
    panels: number,
    y: number,
    nonzero: number,
    counts: number,
  ): void;
  denseInt8(
    x: number,
    xBytes: number,
    rows: number,
    inputs: number,
    weights: number,
    columnScales: number,
    bias: number,
    panels: number,
    most: number,
    y: number,
    whole: number,
    wholeBytes: number,
    rowScales: number,
    nonzero: number,
    counts: number,
  ): void;
  fill(y: number, pixels: number, bias: number, filters: number): void;
  scatter(
    products: number,
    productsBytes: number,
    first: number,
    count: number,
    width: number,
    filters: number,
    size: number,
    stride: number,
    padding: number,
    y: number,
    outHeight: number,
    outWidth: number,
  ): void;
  relu(values: number, bytes: number): void;
  leakyRelu(values: number, bytes: number, slope: number): void;
  sigmoid(values: number, bytes: number): void;
  tanh(values: number, bytes: number): void;
}

export interface WasmGenerator extends Generator {
  /** What it computes, for who computes it elsewhere; `weights` are its memory up to where they end. */
  readonly network: Omit<PlacedLayers, "weights"> & { readonly weights: Uint8Array<ArrayBuffer> };
}

/** The rows that the kernel is given at once: samples, or pixels of one. */
const BATCH = 64;

const PAGE_BYTES = 65536;
const VECTOR_BYTES = 16;

/**
 * Loads a manifest's layers. All memory is taken here, once.
 *
 * @param module kernels/build/generator.wasm, compiled
 * @throws BundleError if the layers don't fit together, or the bundle doesn't hold their weights
 */
export async function loadWasmGenerator(
  module: WebAssembly.Module,
  manifest: Manifest,
  readFile: ReadFile,
): Promise<WasmGenerator> {
  let memoryEnd = 0;
  const allocate = (bytes: number): number => {
    const start = memoryEnd;
    memoryEnd = Math.ceil((start + bytes) / VECTOR_BYTES) * VECTOR_BYTES;
    return start;
  };
  const latentSize = inputSizeOf(inputSpecOf(manifest));
  const { dense, image, weights } = placeLayers(manifest, allocate);
  const matrices = [...dense, ...image].map(({ matrix }) => matrix);
  const latentsAt = allocate(BATCH * latentSize * 4);
  // Layers write the one and read the other.
  const widest = Math.max(...dense.map(({ matrix }) => productBytes(matrix)), 0);
  const rowsAt = [0, 1].map(() => allocate(BATCH * widest));
  const largest = Math.max(...image.map(imageLength), 0);
  const imagesAt = [0, 1].map(() => allocate(largest * 4));
  const mostProducts = Math.max(...image.map(({ matrix }) => productBytes(matrix)), 0);
  const productsAt = allocate(BATCH * mostProducts);
  const zerosAt = allocate(mostProducts);
  const nonzeroAt = allocate(BATCH * LIST_BYTES);
  const countsAt = allocate(BATCH * 4);
  const wholeBytes = 4 * Math.ceil(Math.max(...matrices.map(({ rows }) => rows)) / 2);
  const wholeAt = allocate(BATCH * wholeBytes);
  const rowScalesAt = allocate(BATCH * 4);

  const pages = Math.ceil(memoryEnd / PAGE_BYTES);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  const views: KernelViews = {
    float32: new Float32Array(memory.buffer),
    int8: new Int8Array(memory.buffer),
  };
  await loadWeights(manifest, readFile, weights, views);
  const kernel = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as GeneratorKernel;

  /** y = x·matrix + bias. */
  const multiply = (
    x: number,
    xBytes: number,
    count: number,
    matrix: PackedMatrix,
    bias: number,
    y: number,
  ) => {
    const { dtype, rows, panels, at, scalesAt } = matrix;
    if (dtype === "float32") {
      kernel.denseFloat32(x, xBytes, count, rows, at, bias, panels, y, nonzeroAt, countsAt);
    } else {
      kernel.denseInt8(
        x,
        xBytes,
        count,
        rows,
        at,
        scalesAt!,
        bias,
        panels,
        mostOf(matrix),
        y,
        wholeAt,
        wholeBytes,
        rowScalesAt,
        nonzeroAt,
        countsAt,
      );
    }
  };

  /** Runs the dense layers on `count` samples; returns where each begins. */
  const runDense = (count: number): { at: number; bytes: number } => {
    let [x, xBytes] = [latentsAt, latentSize * 4];
    for (const [i, { matrix, bias, activation }] of dense.entries()) {
      const y = rowsAt[i % 2]!;
      multiply(x, xBytes, count, matrix, bias, y);
      activate(kernel, activation, y, count * productBytes(matrix));
      [x, xBytes] = [y, productBytes(matrix)];
    }
    return { at: x, bytes: xBytes };
  };

  /** Runs the image layers on one sample; returns where it then is. */
  const runImage = (from: number): number => {
    let x = from;
    for (const [i, layer] of image.entries()) {
      const { matrix, bias, activation, height, width, filters, size, stride, padding } = layer;
      const y = imagesAt[i % 2]!;
      kernel.fill(y, height * width * stride ** 2, bias, filters);
      for (let first = 0; first < height * width; first += BATCH) {
        const count = Math.min(BATCH, height * width - first);
        multiply(x + first * matrix.rows * 4, matrix.rows * 4, count, matrix, zerosAt, productsAt);
        kernel.scatter(
          productsAt,
          productBytes(matrix),
          first,
          count,
          width,
          filters,
          size,
          stride,
          padding,
          y,
          height * stride,
          width * stride,
        );
      }
      activate(kernel, activation, y, Math.ceil(imageLength(layer) / 4) * 16);
      x = y;
    }
    return x;
  };

  const length = manifest.output.shape.reduce<number>((product, side) => product * side, 1);
  const latentsIn = new Float32Array(memory.buffer, latentsAt, BATCH * latentSize);
  return {
    network: { dense, image, weights: new Uint8Array(memory.buffer, 0, latentsAt) },
    generate(latents, count) {
      const outputs = new Float32Array(count * length);
      for (let first = 0; first < count; first += BATCH) {
        const rows = Math.min(BATCH, count - first);
        latentsIn.set(latents.subarray(first * latentSize, (first + rows) * latentSize));
        const samples = runDense(rows);
        for (let row = 0; row < rows; row++) {
          const sample = new Float32Array(memory.buffer, runImage(samples.at + row * samples.bytes), length);
          outputs.set(sample, (first + row) * length);
        }
      }
      return outputs;
    },
  };
}

/** Numbers in the image that a layer gives. */
function imageLength({ height, width, stride, filters }: ImageLayer): number {
  return height * width * stride ** 2 * filters;
}

function activate(kernel: GeneratorKernel, activation: ActivationName, values: number, bytes: number): void {
  if (activation === "relu") kernel.relu(values, bytes);
  else if (activation === "leaky-relu") kernel.leakyRelu(values, bytes, LEAKY_SLOPE);
  else if (activation === "sigmoid") kernel.sigmoid(values, bytes);
  else if (activation === "tanh") kernel.tanh(values, bytes);
}
