/** The network that is trained beside a generator, the other way round: from an example to a few numbers. */

import type { LayerSpec } from "../../shared/manifest.ts";
import type { Random } from "../../shared/random.ts";
import type { Tensor } from "../autodiff/tensor.ts";
import type { Config } from "../config.ts";
import type { InitialParameter } from "../engine/engine.ts";
import { drawWeights } from "../generators/draw-weights.ts";
import { applyLayers, layerParameters } from "../generators/layers.ts";

/** For a generator without dense layers. */
const WIDTHS = [512, 512];

export interface Mirror {
  /** [n, inputSize] → [n, outputSize] */
  apply(examples: Tensor): Tensor;
  /** Named `NAME/…`, apart from the generator's. */
  firstWeights(random: Random): InitialParameter[];
}

/**
 * A multilayer perceptron of leaky rectifiers.
 *
 * @param name `discriminator`, say: what its parameters are called by
 */
export function mirrorOf(
  name: string,
  { generator, objective }: Config,
  { inputSize, outputSize }: { readonly inputSize: number; readonly outputSize: number },
): Mirror {
  const mirrored = generator.hidden.length > 0 ? generator.hidden.toReversed() : WIDTHS;
  const layers: LayerSpec[] = [
    ...(objective.mirrorHidden ?? mirrored).map((units) => ({
      kind: "dense" as const,
      units,
      activation: "leaky-relu" as const,
    })),
    { kind: "dense", units: outputSize, activation: "linear" },
  ];
  const prefix = `${name}/`;
  return {
    apply: (examples) => applyLayers(layers, examples, prefix),
    firstWeights: (random) => drawWeights(layerParameters(layers, inputSize, prefix), random),
  };
}
