/**
 * Batch normalisation of a generator under training: what a hidden layer's unit or channel gives, before bias and
 * activation, has mean 0 and deviation 1 over the batch. There is no gain: after a rectifier the next layer's kernel
 * does as much.
 *
 * Nothing of it is left in the exported model. Over many latents the moments are the same whichever they are, so they
 * become part of kernel and bias.
 *
 * Source: Ioffe & Szegedy 2015, "Batch Normalization", arXiv:1502.03167.
 */

import type { LayerSpec } from "../../shared/manifest.ts";
import { add, divide, mean, multiply, reshape, sqrt, square, subtract } from "../autodiff/operators.ts";
import { constant, parameter, type Tensor } from "../autodiff/tensor.ts";
import { layerKind } from "../layers/index.ts";
import { activated, applyLayers, applyPlainly, type LayerParameters, layerParameters } from "./layers.ts";

/** Keeps a unit that never changes from being divided by 0. */
const EPSILON = 1e-5;

export interface Normalised {
  /** [n, numbers of the last layer]. */
  readonly samples: Tensor;
  /** Weights with which the layers do the same to these latents without normalisation, by their names. */
  readonly plainWeights: Readonly<Record<string, Tensor>>;
}

/** Applies layers to latents [n, latentSize], each but the last normalised over the n. */
export function applyNormalised(layers: readonly LayerSpec[], latents: Tensor): Normalised {
  const last = layerParameters(layers, latents.shape[1]!).at(-1)!.kernel.name;
  const plainWeights: Record<string, Tensor> = {};
  const samples = applyLayers(layers, latents, "", (layer, x, parameters) => {
    if (!parameters) return applyPlainly(layer, x, null);
    const { kernel: kernelSpec, bias: biasSpec } = parameters;
    const kernel = parameter(kernelSpec.name, kernelSpec.shape);
    const bias = parameter(biasSpec.name, biasSpec.shape);
    if (kernelSpec.name === last) {
      Object.assign(plainWeights, { [kernelSpec.name]: kernel, [biasSpec.name]: bias });
      return applyPlainly(layer, x, parameters);
    }
    const { values, centre, scale } = normalise(layerKind(layer).apply(layer, x, { kernel }));
    plainWeights[kernelSpec.name] = multiply(kernel, alongUnits(scale, parameters));
    plainWeights[biasSpec.name] = subtract(bias, multiply(centre, scale));
    return activated(layer, add(values, acrossUnits(bias, values)));
  });
  return { samples, plainWeights };
}

/** [n, units] or [n, channels, height, width], and the moments of each unit or channel: [units]. */
function normalise(x: Tensor): { values: Tensor; centre: Tensor; scale: Tensor } {
  const axes = x.shape.map((_, axis) => axis).filter((axis) => axis !== 1);
  const centre = mean(x, axes);
  const centred = subtract(x, acrossUnits(centre, x));
  const scale = divide(constant(1), sqrt(add(mean(square(centred), axes), EPSILON)));
  return { values: multiply(centred, acrossUnits(scale, x)), centre, scale };
}

/** One number a unit, as it broadcasts to x. */
function acrossUnits(values: Tensor, x: Tensor): Tensor {
  return reshape(
    values,
    x.shape.map((length, axis) => (axis === 1 ? length : 1)),
  );
}

/** One number a unit, as it broadcasts to the kernel. */
function alongUnits(values: Tensor, { kernel, unitAxis }: LayerParameters): Tensor {
  return reshape(
    values,
    kernel.shape.map((length, axis) => (axis === unitAxis ? length : 1)),
  );
}
