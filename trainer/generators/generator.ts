/** A generator under training: layers, first weights, and the function that they compute. */

import type { LayerSpec } from "../../shared/manifest.ts";
import type { Random } from "../../shared/random.ts";
import type { Tensor } from "../autodiff/tensor.ts";
import { sizeOf } from "../autodiff/tensor.ts";
import type { InitialParameter, Program } from "../engine/engine.ts";
import { applyNormalised } from "./batch-normalisation.ts";
import { drawWeights } from "./draw-weights.ts";
import { applyLayers, layerParameters, layerShapes } from "./layers.ts";

export interface Generator {
  /** Numbers that it takes; where it takes a class, the last of them have a 1 in the class's place. */
  readonly latentSize: number;
  /** Training examples of every class; null: it takes none. */
  readonly labelCounts: readonly number[] | null;
  /** Numbers in a sample. */
  readonly outputSize: number;
  readonly layers: readonly LayerSpec[];
  /** [n, latentSize] → [n, outputSize], in model space; with a normalisation, each sample depends on all latents. */
  apply(latents: Tensor): Tensor;
  /**
   * Weights with which the layers alone do what `apply` does to these latents, by their names; null where those
   * are the weights under training themselves.
   */
  readonly plainWeights: ((latents: Tensor) => Program) | null;
  /** Random first weights. */
  initialParameters(random: Random): InitialParameter[];
}

/**
 * A generator architecture.
 *
 * @throws InputError if it can't make such an output
 */
export type Architecture = (request: GeneratorRequest) => Generator;

/** What a generator architecture is told. */
export interface GeneratorRequest {
  readonly latentSize: number;
  /** Units of the dense layers that come first. */
  readonly hidden: readonly number[];
  /** Channels at every size of the image before the last, from the coarsest on; each size doubles the one before. */
  readonly channels: readonly number[];
  readonly activation: "relu" | "leaky-relu" | "tanh";
  /** What keeps the hidden layers' numbers at one scale during training; none if left out. */
  readonly normalisation?: Normalisation;
  /** [length], or [height, width, channels] for images. */
  readonly outputShape: readonly number[];
  /** sigmoid for pixels in 0 … 1, linear for numbers without bounds. */
  readonly outputActivation: "sigmoid" | "linear";
}

export type Normalisation = "none" | "batch";

export function generatorOf(
  latentSize: number,
  layers: readonly LayerSpec[],
  normalisation: Normalisation = "none",
): Generator {
  const normalised = normalisation === "batch";
  return {
    latentSize,
    labelCounts: null,
    outputSize: sizeOf(layerShapes(layers, latentSize).at(-1)!),
    layers,
    apply: (latents) =>
      normalised ? applyNormalised(layers, latents).samples : applyLayers(layers, latents),
    plainWeights: normalised ? (latents) => applyNormalised(layers, latents).plainWeights : null,
    initialParameters: (random) => drawWeights(layerParameters(layers, latentSize), random),
  };
}
