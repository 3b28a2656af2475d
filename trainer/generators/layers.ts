/** A generator as a list of layers: what the manifest describes, applied to symbolic tensors. */

import { type LayerSpec, LEAKY_SLOPE } from "../../shared/manifest.ts";
import { dense, leakyRelu, relu, sigmoid, tanh } from "../autodiff/operators.ts";
import { parameter, type Shape, type Tensor } from "../autodiff/tensor.ts";

/** A layer's weights, by the names that the exported model has. */
export interface LayerParameters {
  readonly kernel: { readonly name: string; readonly shape: Shape };
  readonly bias: { readonly name: string; readonly shape: Shape };
}

/**
 * Names and shapes of the weights of every layer.
 *
 * @param prefix keeps several networks apart, `generator/` say; the exported names have none
 */
export function layerParameters(
  layers: readonly LayerSpec[],
  inputSize: number,
  prefix = "",
): LayerParameters[] {
  let width = inputSize;
  return layers.map((layer, i) => {
    const shape = [width, layer.units];
    width = layer.units;
    return {
      kernel: { name: `${prefix}dense${i}/kernel`, shape },
      bias: { name: `${prefix}dense${i}/bias`, shape: [layer.units] },
    };
  });
}

/** [n, inputSize] → [n, units of the last layer]. */
export function applyLayers(layers: readonly LayerSpec[], x: Tensor, prefix = ""): Tensor {
  const parameters = layerParameters(layers, x.shape[1]!, prefix);
  return layers.reduce((value, layer, i) => {
    const { kernel, bias } = parameters[i]!;
    const sum = dense(value, parameter(kernel.name, kernel.shape), parameter(bias.name, bias.shape));
    return activations[layer.activation](sum);
  }, x);
}

const activations: Record<LayerSpec["activation"], (x: Tensor) => Tensor> = {
  linear: (x) => x,
  relu,
  "leaky-relu": (x) => leakyRelu(x, LEAKY_SLOPE),
  sigmoid,
  tanh,
};
