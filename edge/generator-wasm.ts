/**
 * The generator on our own kernel, kernels/generator.as.ts: faster than TF.js, a hundredth of its size, and the
 * same to the bit in workerd, Node and browsers.
 */

import { type ActivationName, BundleError, LEAKY_SLOPE, type Manifest } from "../shared/manifest.ts";
import type { Generator, ReadFile } from "./generator.ts";

interface GeneratorKernel {
  dense(
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
  relu(values: number, bytes: number): void;
  leakyRelu(values: number, bytes: number, slope: number): void;
  sigmoid(values: number, bytes: number): void;
  tanh(values: number, bytes: number): void;
}

/** The kernel's panel width and depth of a block, and the rows that it is given at once. */
const PANEL = 32;
const BLOCK = 64;
const BATCH = 64;

const PAGE_BYTES = 65536;
const VECTOR_BYTES = 16;

/** A layer and where it lies in memory, in bytes. */
interface PlacedLayer {
  readonly inputs: number;
  readonly units: number;
  readonly panels: number;
  readonly activation: ActivationName;
  readonly weights: number;
  readonly bias: number;
}

/**
 * Loads a manifest's layers. All memory is taken here, once.
 *
 * @param module kernels/build/generator.wasm, compiled
 * @throws BundleError if model.json doesn't hold the weights of the manifest's layers
 */
export async function loadWasmGenerator(
  module: WebAssembly.Module,
  manifest: Manifest,
  readFile: ReadFile,
): Promise<Generator> {
  let memoryEnd = 0;
  const allocate = (bytes: number): number => {
    const start = memoryEnd;
    memoryEnd = Math.ceil((start + bytes) / VECTOR_BYTES) * VECTOR_BYTES;
    return start;
  };
  const latentSize = manifest.latent.size;
  const layers = placeLayers(manifest, allocate);
  const widest = Math.max(...layers.map(({ panels }) => panels)) * PANEL;
  const latentsAt = allocate(BATCH * latentSize * 4);
  const valuesAt = [0, 1].map(() => allocate(BATCH * widest * 4)); // layers write the one and read the other
  const nonzeroAt = allocate(BATCH * BLOCK * 8);
  const countsAt = allocate(BATCH * 4);

  const pages = Math.ceil(memoryEnd / PAGE_BYTES);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  await loadWeights(manifest, readFile, layers, new Float32Array(memory.buffer));
  const kernel = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as GeneratorKernel;

  /** Returns where the outputs are: [count, PANEL · panels of the last layer]. */
  const run = (count: number): number => {
    let x = latentsAt;
    let xBytes = latentSize * 4;
    for (const [i, { inputs, panels, activation, weights, bias }] of layers.entries()) {
      const y = valuesAt[i % 2]!;
      kernel.dense(x, xBytes, count, inputs, weights, bias, panels, y, nonzeroAt, countsAt);
      activate(kernel, activation, y, count * panels * PANEL * 4);
      [x, xBytes] = [y, panels * PANEL * 4];
    }
    return x;
  };

  const { units: length, panels } = layers.at(-1)!;
  const latentsIn = new Float32Array(memory.buffer, latentsAt, BATCH * latentSize);
  return {
    generate(latents, count) {
      const outputs = new Float32Array(count * length);
      for (let first = 0; first < count; first += BATCH) {
        const rows = Math.min(BATCH, count - first);
        latentsIn.set(latents.subarray(first * latentSize, (first + rows) * latentSize));
        const values = new Float32Array(memory.buffer, run(rows), rows * panels * PANEL);
        for (let row = 0; row < rows; row++) {
          const start = row * panels * PANEL;
          outputs.set(values.subarray(start, start + length), (first + row) * length);
        }
      }
      return outputs;
    },
  };
}

function placeLayers(manifest: Manifest, allocate: (bytes: number) => number): PlacedLayer[] {
  let inputs = manifest.latent.size;
  const layers = manifest.generator.layers.map((spec) => {
    if (spec.kind !== "dense") throw new Error(`the kernel has no layer "${spec.kind}"`); // generatorEngine sees to it
    const { units, activation } = spec;
    const panels = Math.ceil(units / PANEL);
    const layer = {
      inputs,
      units,
      panels,
      activation,
      weights: allocate(inputs * panels * PANEL * 4),
      bias: allocate(panels * PANEL * 4),
    };
    inputs = units;
    return layer;
  });
  const outputSize = manifest.output.shape.reduce<number>((product, size) => product * size, 1);
  if (inputs !== outputSize) {
    throw new BundleError(
      `${manifest.name}/manifest.json: the last layer has ${inputs} units, the output ${outputSize} numbers. ` +
        "Export the model again.",
    );
  }
  return layers;
}

function activate(kernel: GeneratorKernel, activation: ActivationName, values: number, bytes: number): void {
  if (activation === "relu") kernel.relu(values, bytes);
  else if (activation === "leaky-relu") kernel.leakyRelu(values, bytes, LEAKY_SLOPE);
  else if (activation === "sigmoid") kernel.sigmoid(values, bytes);
  else if (activation === "tanh") kernel.tanh(values, bytes);
}

/** What of a TF.js LayersModel says where the weights are. */
interface LayersModel {
  readonly weightsManifest?: readonly {
    readonly paths: readonly string[];
    readonly weights: readonly { readonly name: string; readonly shape: readonly number[]; dtype: string }[];
  }[];
}

/** Reads the weight files one after the other, so that no more than one is in memory beside the weights. */
async function loadWeights(
  manifest: Manifest,
  readFile: ReadFile,
  layers: readonly PlacedLayer[],
  memory: Float32Array,
): Promise<void> {
  const where = `${manifest.name}/model.json`;
  const tensors = layers.flatMap((layer, i) => [
    {
      title: `dense${i}/kernel float32 [${layer.inputs},${layer.units}]`,
      size: layer.inputs * layer.units,
      write: (first: number, values: Float32Array) => packKernel(layer, memory, first, values),
    },
    {
      title: `dense${i}/bias float32 [${layer.units}]`,
      size: layer.units,
      // −0 becomes 0, as the kernel asks for.
      write: (first: number, values: Float32Array) =>
        memory.set(
          values.map((value) => value + 0),
          layer.bias / 4 + first,
        ),
    },
  ]);
  const { weightsManifest = [] } = JSON.parse(
    new TextDecoder().decode(await readFile("model.json")),
  ) as LayersModel;
  const found = weightsManifest
    .flatMap(({ weights }) => weights)
    .map(({ name, dtype, shape }) => `${name} ${dtype} [${shape}]`);
  for (let i = 0; i < Math.max(found.length, tensors.length); i++) {
    if (found[i] === tensors[i]?.title) continue;
    throw new BundleError(
      `${where}: expected ${tensors[i]?.title ?? "no more weights"}, found ${found[i] ?? "no more weights"}. ` +
        "Export the model again.",
    );
  }

  let [tensor, done] = [0, 0];
  for (const path of weightsManifest.flatMap(({ paths }) => paths)) {
    const bytes = await readFile(path);
    const values = new Float32Array(bytes.buffer, bytes.byteOffset, Math.floor(bytes.byteLength / 4));
    for (let at = 0; at < values.length && tensor < tensors.length; ) {
      const { size, write } = tensors[tensor]!;
      const part = values.subarray(at, at + size - done);
      write(done, part);
      at += part.length;
      done += part.length;
      if (done === size) [tensor, done] = [tensor + 1, 0];
    }
  }
  if (tensor < tensors.length) {
    throw new BundleError(
      `${where}: its weight files end inside ${tensors[tensor]!.title}. Export the model again.`,
    );
  }
}

/**
 * Writes weights where the kernel reads them.
 *
 * @param first  of the values in the kernel, [inputs, units]
 */
function packKernel(
  { inputs, units, panels, weights }: PlacedLayer,
  memory: Float32Array,
  first: number,
  values: Float32Array,
): void {
  for (let i = 0; i < values.length; ) {
    const input = Math.floor((first + i) / units);
    const unit = (first + i) % units;
    const inBlock = input % BLOCK;
    const depth = Math.min(BLOCK, inputs - (input - inBlock));
    const inPanel = unit % PANEL;
    const panelStart = (input - inBlock) * panels + ((unit - inPanel) / PANEL) * depth;
    const target = weights / 4 + (panelStart + inBlock) * PANEL + inPanel;
    const end = Math.min(i + PANEL - inPanel, i + units - unit, values.length);
    for (let at = target; i < end; ) memory[at++] = values[i++]!;
  }
}
