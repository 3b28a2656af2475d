/** A manifest's layers as our kernel runs them: what they are, and where their weights lie in its memory. */

import { inputSizeOf } from "../shared/generator-inputs.ts";
import {
  type ActivationName,
  BundleError,
  inputSpecOf,
  type LayerSpec,
  type Manifest,
  type WeightType,
} from "../shared/manifest.ts";
import {
  type Allocate,
  entryOf,
  PANEL,
  type PackedMatrix,
  placeMatrix,
  productBytes,
  stepOf,
} from "./packed-matrix.ts";
import type { PlacedTensor, PlacedWeights } from "./wasm-weights.ts";

export interface PlacedLayers {
  /** They run on all samples together. */
  readonly dense: readonly DenseLayer[];
  /** They run after the dense ones, on one sample after the other. */
  readonly image: readonly ImageLayer[];
  /** Of each layer that has any, in order. */
  readonly weights: readonly PlacedWeights[];
}

export interface DenseLayer {
  readonly matrix: PackedMatrix;
  readonly bias: number;
  readonly activation: ActivationName;
}

/**
 * A transposed convolution: each pixel's channels, times the matrix, are size × size × filters numbers, which are
 * added to where they fall in the larger image.
 *
 * A convolution that keeps the size is one of stride 1 with its kernel turned round. Upsampling and the convolution
 * after it are one whose stride is the factor, and whose kernel holds the sums of the taps that meet the same pixel.
 */
export interface ImageLayer extends DenseLayer {
  readonly height: number;
  readonly width: number;
  readonly filters: number;
  readonly size: number;
  readonly stride: number;
  readonly padding: number;
}

/** Whether our kernel runs such layers: upsampling only where a convolution follows. */
export function isKnownToKernel(layers: readonly LayerSpec[]): boolean {
  const known: readonly string[] = [
    "dense",
    "reshape",
    "conv",
    "conv-transpose",
  ] satisfies LayerSpec["kind"][];
  return layers.every(
    ({ kind }, i) => known.includes(kind) || (kind === "upsample" && layers[i + 1]?.kind === "conv"),
  );
}

/** @throws BundleError if the layers don't fit together, or don't end in the output */
export function placeLayers(manifest: Manifest, allocate: Allocate): PlacedLayers {
  const { name, generator, output } = manifest;
  const refusal = (why: string) => new BundleError(`${name}/manifest.json: ${why}. Export the model again.`);
  const dtype = generator.weights?.dtype ?? "float32";
  const dense: DenseLayer[] = [];
  const image: ImageLayer[] = [];
  const weights: PlacedWeights[] = [];
  let shape: readonly number[] = [inputSizeOf(inputSpecOf(manifest))];
  let factor = 1; // of upsampling, which the next convolution does
  for (const [i, layer] of generator.layers.entries()) {
    const [height = 0, width = 0, channels = 0] = shape;
    const isImage = shape.length === 3;
    if (isImage === (layer.kind === "dense" || layer.kind === "reshape")) {
      throw refusal(`layer ${i}, ${layer.kind}, can't take ${shape.join("×")} numbers`);
    }
    if (layer.kind === "reshape") {
      if (sizeOf(layer.shape) !== sizeOf(shape)) {
        throw refusal(`layer ${i}: ${shape.join("×")} numbers don't become ${layer.shape.join("×")}`);
      }
      shape = layer.shape;
    } else if (layer.kind === "upsample") {
      factor = layer.factor;
    } else if (layer.kind === "dense") {
      const placed = placeDense(dtype, sizeOf(shape), layer, allocate);
      dense.push(placed);
      weights.push({
        kernel: denseKernel(`dense${i}/kernel`, dtype, placed),
        bias: biasOf(`dense${i}/bias`, placed, layer.units),
        scales: scalesOf(`dense${i}/scales`, placed, layer.units),
      });
      shape = [layer.units];
    } else {
      const placed = placeImageLayer(dtype, [height, width, channels], layer, factor, allocate);
      const kernel = layer.kind === "conv" ? convKernel : convTransposeKernel;
      image.push(placed);
      weights.push({
        kernel: kernel(`${layer.kind}${i}/kernel`, dtype, placed),
        bias: biasOf(`${layer.kind}${i}/bias`, placed, layer.filters),
        scales: scalesOf(`${layer.kind}${i}/scales`, placed, layer.filters),
      });
      shape = [height * placed.stride, width * placed.stride, layer.filters];
      factor = 1;
    }
  }
  if (sizeOf(shape) !== sizeOf(output.shape)) {
    throw refusal(
      `the last layer gives ${shape.join("×")} numbers, the output has ${output.shape.join("×")}`,
    );
  }
  return { dense, image, weights };
}

type SpecOf<Kind extends LayerSpec["kind"]> = Extract<LayerSpec, { readonly kind: Kind }>;

function placeDense(
  stored: WeightType,
  inputs: number,
  { units, activation }: SpecOf<"dense">,
  allocate: Allocate,
): DenseLayer {
  const matrix = placeMatrix(inputs, units, stored, stored === "int8" ? "int8" : "float32", allocate);
  return { matrix, bias: allocate(productBytes(matrix)), activation };
}

function placeImageLayer(
  stored: WeightType,
  [height, width, channels]: readonly [number, number, number],
  layer: SpecOf<"conv" | "conv-transpose">,
  factor: number,
  allocate: Allocate,
): ImageLayer {
  const { filters, kernelSize, activation } = layer;
  const stride = layer.kind === "conv" ? factor : layer.stride;
  const size = layer.kind === "conv" ? kernelSize + stride - 1 : kernelSize;
  // A sum of taps needs more than 8 bits.
  const dtype = stored === "int8" && factor === 1 ? "int8" : "float32";
  const matrix = placeMatrix(channels, size * size * filters, stored, dtype, allocate);
  const bias = allocate(filters * 4);
  return { height, width, filters, size, stride, padding: (size - stride) / 2, matrix, bias, activation };
}

/** [inputs, units]: as many numbers at a time as lie together in the packed matrix. */
function denseKernel(name: string, dtype: WeightType, { matrix }: DenseLayer): PlacedTensor {
  const { rows, columns } = matrix;
  const step = stepOf(matrix);
  return {
    name,
    dtype,
    shape: [rows, columns],
    write(memory, first, values) {
      const numbers = memory[matrix.dtype];
      for (let i = 0; i < values.length; ) {
        const [row, column] = [Math.floor((first + i) / columns), (first + i) % columns];
        const end = Math.min(i + PANEL - (column % PANEL), i + columns - column, values.length);
        for (let at = entryOf(matrix, row, column); i < end; at += step) numbers[at] = values[i++]!;
      }
    },
  };
}

/** [size, size, filters, channels]. */
function convTransposeKernel(name: string, dtype: WeightType, layer: ImageLayer): PlacedTensor {
  const { matrix, size, filters } = layer;
  const { rows: channels } = matrix;
  return {
    name,
    dtype,
    shape: [size, size, filters, channels],
    write(memory, first, values) {
      const numbers = memory[matrix.dtype];
      for (let i = 0; i < values.length; i++) {
        const [column, channel] = [Math.floor((first + i) / channels), (first + i) % channels];
        numbers[entryOf(matrix, channel, column)] = values[i]!;
      }
    },
  };
}

/** [kernel size, kernel size, channels, filters]. */
function convKernel(name: string, dtype: WeightType, layer: ImageLayer): PlacedTensor {
  const { matrix, size, stride, filters } = layer;
  const { rows: channels, scalesAt } = matrix;
  const kernelSize = size - stride + 1;
  return {
    name,
    dtype,
    shape: [kernelSize, kernelSize, channels, filters],
    write(memory, first, values) {
      const numbers = memory[matrix.dtype];
      const scales =
        scalesAt !== null && matrix.dtype === "float32" ? memory.float32.subarray(scalesAt / 4) : null;
      for (let i = 0; i < values.length; i++) {
        const filter = (first + i) % filters;
        const value = Math.fround(values[i]! * (scales ? scales[filter]! : 1));
        const channel = Math.floor((first + i) / filters) % channels;
        const tap = Math.floor((first + i) / (filters * channels));
        const bottom = kernelSize - 1 - Math.floor(tap / kernelSize);
        const right = kernelSize - 1 - (tap % kernelSize);
        for (let row = bottom; row < bottom + stride; row++) {
          for (let column = right; column < right + stride; column++) {
            const entry = entryOf(matrix, channel, (row * size + column) * filters + filter);
            numbers[entry] = numbers[entry]! + value;
          }
        }
      }
    },
  };
}

function biasOf(name: string, { bias }: DenseLayer, length: number): PlacedTensor {
  return {
    name,
    dtype: "float32",
    shape: [length],
    write(memory, first, values) {
      // −0 becomes 0, as the kernel asks for.
      for (let i = 0; i < values.length; i++) memory.float32[bias / 4 + first + i] = values[i]! + 0;
    },
  };
}

/** One a unit or filter, which all of its columns have. Null where numbers are stored as themselves. */
function scalesOf(
  name: string,
  { matrix: { scalesAt, columns } }: DenseLayer,
  length: number,
): PlacedTensor | null {
  if (scalesAt === null) return null;
  return {
    name,
    dtype: "float32",
    shape: [length],
    write(memory, first, values) {
      for (let i = 0; i < values.length; i++) {
        for (let column = first + i; column < columns; column += length) {
          memory.float32[scalesAt / 4 + column] = values[i]!;
        }
      }
    },
  };
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}
