import type { LayerSpec, Manifest } from "../shared/manifest.ts";

/** Turns latents into examples. Row i of the output depends on row i of the latents alone, to the bit. */
export interface Generator {
  /**
   * @param latents [count, latent size]
   * @returns       [count, output length] float32, not clamped
   */
  generate(latents: Float32Array, count: number): Float32Array;
}

/** Reads a file of the bundle, verified against the manifest. */
export type ReadFile = (path: string) => Promise<Uint8Array<ArrayBuffer>>;

/** Builds a generator from a bundle's files. */
export type LoadGenerator = (manifest: Manifest, readFile: ReadFile) => Promise<Generator>;

/** Our own kernel where it knows every kind of layer; TF.js runs any LayersModel. */
export type GeneratorEngine = "wasm" | "tfjs";

const WASM_LAYERS: readonly string[] = ["dense"] satisfies LayerSpec["kind"][];

export function generatorEngine({ generator }: Manifest): GeneratorEngine {
  return generator.layers.every(({ kind }) => WASM_LAYERS.includes(kind)) ? "wasm" : "tfjs";
}
