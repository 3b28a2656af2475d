/** A generator as a list of layers: what the manifest describes, applied to symbolic tensors. */

import type { LayerSpec } from "../../shared/manifest.ts";
import { parameter, type Shape, type Tensor } from "../autodiff/tensor.ts";
import { ACTIVATIONS } from "../layers/activation.ts";
import { rowsFromImages } from "../layers/image.ts";
import { layerKind } from "../layers/index.ts";

/** The weights of one layer, by the names that the exported model has. */
export interface LayerParameters {
  readonly layer: LayerSpec;
  readonly kernel: { readonly name: string; readonly shape: Shape };
  /** Which axis of the kernel counts the units or channels that come out. */
  readonly unitAxis: number;
  readonly bias: { readonly name: string; readonly shape: Shape };
  /** Inputs that each number of the layer's output is a sum over, on average. */
  readonly fanIn: number;
}

/** What the layer at `index` is called in an exported model. */
export function layerName(layer: LayerSpec, index: number): string {
  return `${layer.kind}${index}`;
}

/** The shape of what every layer gives for one example: [length] or [height, width, channels]. */
export function layerShapes(layers: readonly LayerSpec[], inputSize: number): Shape[] {
  let shape: Shape = [inputSize];
  return layers.map((layer) => (shape = layerKind(layer).outputShape(layer, shape)));
}

/**
 * Names and shapes of the weights of every layer that has any, in order.
 *
 * @param prefix keeps several networks apart, `generator/` say; the exported names have none
 */
export function layerParameters(
  layers: readonly LayerSpec[],
  inputSize: number,
  prefix = "",
): LayerParameters[] {
  return parametersByLayer(layers, inputSize, prefix).filter((each) => each !== null);
}

/** What a layer does to its input: its own function and activation, and perhaps something between them. */
export type ApplyLayer = (layer: LayerSpec, x: Tensor, parameters: LayerParameters | null) => Tensor;

/**
 * [n, inputSize] → [n, numbers of the last layer], images with their channels last.
 *
 * @param apply how each layer is applied; as the manifest defines it, if left out
 */
export function applyLayers(
  layers: readonly LayerSpec[],
  x: Tensor,
  prefix = "",
  apply: ApplyLayer = applyPlainly,
): Tensor {
  const parameters = parametersByLayer(layers, x.shape[1]!, prefix);
  const result = layers.reduce((value, layer, i) => apply(layer, value, parameters[i] ?? null), x);
  return result.shape.length === 4 ? rowsFromImages(result) : result;
}

/** As the manifest defines it. */
export const applyPlainly: ApplyLayer = (layer, x, parameters) => {
  const weights = parameters && {
    kernel: parameter(parameters.kernel.name, parameters.kernel.shape),
    bias: parameter(parameters.bias.name, parameters.bias.shape),
  };
  return activated(layer, layerKind(layer).apply(layer, x, weights));
};

export function activated(layer: LayerSpec, x: Tensor): Tensor {
  return "activation" in layer ? ACTIVATIONS[layer.activation](x) : x;
}

/** Null for layers without weights. */
function parametersByLayer(
  layers: readonly LayerSpec[],
  inputSize: number,
  prefix: string,
): (LayerParameters | null)[] {
  const shapes = [[inputSize], ...layerShapes(layers, inputSize)];
  return layers.map((layer, i) => {
    const weights = layerKind(layer).weights(layer, shapes[i]!);
    const name = `${prefix}${layerName(layer, i)}`;
    return (
      weights && {
        layer,
        kernel: { name: `${name}/kernel`, shape: weights.kernel },
        unitAxis: weights.unitAxis,
        bias: { name: `${name}/bias`, shape: weights.bias },
        fanIn: weights.fanIn,
      }
    );
  });
}
