/** Weights from a bundle's files to where our kernel reads them. */

import { fromFloat16 } from "../shared/float16.ts";
import { BundleError, type Manifest, type WeightType } from "../shared/manifest.ts";
import type { ReadFile } from "./generator.ts";
import type { KernelViews } from "./packed-matrix.ts";

/** An array of the bundle, and what happens to its numbers. */
export interface PlacedTensor {
  readonly name: string;
  readonly dtype: WeightType;
  readonly shape: readonly number[];
  /** Takes the numbers from index `first` on; they come in order. */
  write(memory: KernelViews, first: number, values: Float32Array | Int8Array): void;
}

/** Those of a layer. */
export interface PlacedWeights {
  readonly kernel: PlacedTensor;
  readonly bias: PlacedTensor;
  readonly scales: PlacedTensor | null;
}

const NUMBER_BYTES: Readonly<Record<WeightType, number>> = { float32: 4, float16: 2, int8: 1 };

/** Numbers that are decoded at a time. */
const CHUNK = 65536;

/** What of a TF.js LayersModel says where the weights are. */
interface LayersModel {
  readonly weightsManifest?: readonly {
    readonly paths: readonly string[];
    readonly weights: readonly { readonly name: string; readonly shape: readonly number[]; dtype: string }[];
  }[];
}

/**
 * Reads the weights' own files, or, where there are none, model.json's.
 *
 * @param memory zeros, as WebAssembly makes it
 * @throws BundleError if they don't hold these weights
 */
export async function loadWeights(
  manifest: Manifest,
  readFile: ReadFile,
  layers: readonly PlacedWeights[],
  memory: KernelViews,
): Promise<void> {
  const files = manifest.generator.weights?.files ?? null;
  if (files) {
    // Scales come before the kernels that they belong to.
    const tensors = [
      ...layers.flatMap(({ bias, scales }) => (scales ? [bias, scales] : [bias])),
      ...layers.map(({ kernel }) => kernel),
    ];
    await readTensors(`${manifest.name}/manifest.json`, files, readFile, tensors, memory);
  } else {
    const tensors = layers.flatMap(({ kernel, bias }) => [kernel, bias]);
    const where = `${manifest.name}/model.json`;
    const model = JSON.parse(new TextDecoder().decode(await readFile("model.json"))) as LayersModel;
    await readTensors(where, layersModelFiles(where, model, tensors), readFile, tensors, memory);
  }
}

/** The weight files of a model.json, once it is seen to hold these tensors. */
function layersModelFiles(
  where: string,
  { weightsManifest = [] }: LayersModel,
  tensors: readonly PlacedTensor[],
): string[] {
  const expected = tensors.map(describe);
  const found = weightsManifest
    .flatMap(({ weights }) => weights)
    .map(({ name, dtype, shape }) => `${name} ${dtype} [${shape}]`);
  for (let i = 0; i < Math.max(found.length, expected.length); i++) {
    if (found[i] === expected[i]) continue;
    throw new BundleError(
      `${where}: expected ${expected[i] ?? "no more weights"}, found ${found[i] ?? "no more weights"}. ` +
        "Export the model again.",
    );
  }
  return weightsManifest.flatMap(({ paths }) => paths);
}

/** One file after the other, so that no more than one is in memory beside the weights. */
async function readTensors(
  where: string,
  files: readonly string[],
  readFile: ReadFile,
  tensors: readonly PlacedTensor[],
  memory: KernelViews,
): Promise<void> {
  let [tensor, done] = [0, 0];
  for (const path of files) {
    const bytes = await readFile(path);
    for (let at = 0; tensor < tensors.length; ) {
      const { dtype, shape, write } = tensors[tensor]!;
      const size = shape.reduce((product, length) => product * length, 1);
      const held = Math.floor((bytes.byteLength - at) / NUMBER_BYTES[dtype]);
      const count = Math.min(size - done, held, CHUNK);
      if (count === 0) break;
      write(memory, done, numbersOf(dtype, bytes, at, count));
      at += count * NUMBER_BYTES[dtype];
      done += count;
      if (done === size) [tensor, done] = [tensor + 1, 0];
    }
  }
  if (tensor < tensors.length) {
    throw new BundleError(
      `${where}: its weight files end inside ${describe(tensors[tensor]!)}. Export the model again.`,
    );
  }
}

function numbersOf(dtype: WeightType, bytes: Uint8Array<ArrayBuffer>, at: number, count: number) {
  const from = bytes.byteOffset + at;
  if (dtype === "int8") return new Int8Array(bytes.buffer, from, count);
  if (dtype === "float32") return new Float32Array(bytes.buffer, from, count);
  const values = new Float32Array(count);
  fromFloat16(new Uint16Array(bytes.buffer, from, count), values);
  return values;
}

function describe({ name, dtype, shape }: PlacedTensor): string {
  return `${name} ${dtype} [${shape}]`;
}
