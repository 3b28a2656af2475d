/** A generator under training: layers, first weights, and the function that they compute. */

import type { LayerSpec } from "../../shared/manifest.ts";
import type { Random } from "../../shared/random.ts";
import type { Tensor } from "../autodiff/tensor.ts";
import { sizeOf } from "../autodiff/tensor.ts";
import type { InitialParameter } from "../engine/engine.ts";
import { applyLayers, layerParameters } from "./layers.ts";

export interface Generator {
  readonly latentSize: number;
  /** Numbers in a sample. */
  readonly outputSize: number;
  readonly layers: readonly LayerSpec[];
  /** [n, latentSize] → [n, outputSize], in model space. */
  apply(latents: Tensor): Tensor;
  /** Random first weights. */
  initialParameters(random: Random): InitialParameter[];
}

/** What a generator architecture is told. */
export interface GeneratorRequest {
  readonly latentSize: number;
  readonly hidden: readonly number[];
  readonly activation: "relu" | "leaky-relu" | "tanh";
  readonly outputSize: number;
  /** sigmoid for pixels in 0 … 1, linear for numbers without bounds. */
  readonly outputActivation: "sigmoid" | "linear";
}

export function generatorOf(latentSize: number, layers: readonly LayerSpec[]): Generator {
  return {
    latentSize,
    outputSize: layers.at(-1)!.units,
    layers,
    apply: (latents) => applyLayers(layers, latents),
    initialParameters: (random) =>
      layerParameters(layers, latentSize).flatMap(({ kernel, bias }, i) => {
        const [inputs] = kernel.shape as readonly [number, number];
        // He et al. 2015 for rectifiers; LeCun's variance for the rest.
        const gain = layers[i]!.activation.includes("relu") ? 2 : 1;
        const deviation = Math.sqrt(gain / inputs);
        const stream = random.fork(kernel.name);
        const values = stream
          .fillNormal(new Float32Array(sizeOf(kernel.shape)))
          .map((value) => value * deviation);
        return [
          { ...kernel, values },
          { ...bias, values: new Float32Array(sizeOf(bias.shape)) },
        ];
      }),
  };
}
