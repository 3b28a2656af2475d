/** Weights from a bundle's files to where our kernel reads them. */

import { BundleError, type Manifest } from "../shared/manifest.ts";
import type { ReadFile } from "./generator.ts";

/** The kernel's panel width, and the depth of a block. */
export const PANEL = 32;
export const BLOCK = 64;

/** Reserves so many bytes of the kernel's memory and returns where they are. */
export type Allocate = (bytes: number) => number;

/** A matrix as the kernel reads it: for each block of 64 rows, for each panel of 32 columns, its numbers. */
export interface PackedMatrix {
  readonly rows: number;
  readonly columns: number;
  readonly panels: number;
  readonly at: number;
}

export function placeMatrix(rows: number, columns: number, allocate: Allocate): PackedMatrix {
  const panels = Math.ceil(columns / PANEL);
  return { rows, columns, panels, at: allocate(rows * panels * PANEL * 4) };
}

/** Where an entry of the matrix is, in numbers; up to the next multiple of PANEL its row goes on there. */
export function entryOf({ rows, panels, at }: PackedMatrix, row: number, column: number): number {
  const inBlock = row % BLOCK;
  const depth = Math.min(BLOCK, rows - (row - inBlock));
  const inPanel = column % PANEL;
  const panelStart = (row - inBlock) * panels + ((column - inPanel) / PANEL) * depth;
  return at / 4 + (panelStart + inBlock) * PANEL + inPanel;
}

/** An array of model.json, and what happens to its numbers. */
export interface PlacedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  /** Takes the numbers from index `first` on; they come in order. */
  write(memory: Float32Array, first: number, values: Float32Array): void;
}

/** What of a TF.js LayersModel says where the weights are. */
interface LayersModel {
  readonly weightsManifest?: readonly {
    readonly paths: readonly string[];
    readonly weights: readonly { readonly name: string; readonly shape: readonly number[]; dtype: string }[];
  }[];
}

/**
 * Reads the weight files one after the other, so that no more than one is in memory beside the weights.
 *
 * @param memory zeros, as WebAssembly makes it
 * @throws BundleError if model.json doesn't hold these tensors
 */
export async function loadWeights(
  manifest: Manifest,
  readFile: ReadFile,
  tensors: readonly PlacedTensor[],
  memory: Float32Array,
): Promise<void> {
  const where = `${manifest.name}/model.json`;
  const { weightsManifest = [] } = JSON.parse(
    new TextDecoder().decode(await readFile("model.json")),
  ) as LayersModel;
  const expected = tensors.map(({ name, shape }) => `${name} float32 [${shape}]`);
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

  let [tensor, done] = [0, 0];
  for (const path of weightsManifest.flatMap(({ paths }) => paths)) {
    const bytes = await readFile(path);
    const values = new Float32Array(bytes.buffer, bytes.byteOffset, Math.floor(bytes.byteLength / 4));
    for (let at = 0; at < values.length && tensor < tensors.length; ) {
      const { shape, write } = tensors[tensor]!;
      const size = shape.reduce((product, length) => product * length, 1);
      const part = values.subarray(at, at + size - done);
      write(memory, done, part);
      at += part.length;
      done += part.length;
      if (done === size) [tensor, done] = [tensor + 1, 0];
    }
  }
  if (tensor < tensors.length) {
    throw new BundleError(
      `${where}: its weight files end inside ${expected[tensor]!}. Export the model again.`,
    );
  }
}
