import type { Manifest, WeightType } from "../shared/manifest.ts";
import { isKnownToKernel } from "./wasm-layers.ts";

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

export function generatorEngine({ generator }: Manifest): GeneratorEngine {
  return isKnownToKernel(generator.layers) ? "wasm" : "tfjs";
}

/** What its kernels are stored as: TF.js reads model.json, which is float32. */
export function servedWeights(manifest: Manifest): WeightType {
  return generatorEngine(manifest) === "wasm" ? (manifest.generator.weights?.dtype ?? "float32") : "float32";
}
