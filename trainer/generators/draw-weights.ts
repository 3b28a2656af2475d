import type { Random } from "../../shared/random.ts";
import { sizeOf } from "../autodiff/tensor.ts";
import type { InitialParameter } from "../engine/engine.ts";
import type { LayerParameters } from "./layers.ts";

/** Random first weights, with which a layer's numbers are about as large as those that it gets; biases are 0. */
export function drawWeights(layers: readonly LayerParameters[], random: Random): InitialParameter[] {
  return layers.flatMap(({ layer, kernel, bias, fanIn }) => {
    // He et al. 2015 for rectifiers; LeCun's variance for the rest.
    const gain = "activation" in layer && layer.activation.includes("relu") ? 2 : 1;
    const deviation = Math.sqrt(gain / fanIn);
    const stream = random.fork(kernel.name);
    const values = stream
      .fillNormal(new Float32Array(sizeOf(kernel.shape)))
      .map((value) => value * deviation);
    return [
      { ...kernel, values },
      { ...bias, values: new Float32Array(sizeOf(bias.shape)) },
    ];
  });
}
