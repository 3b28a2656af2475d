import type { FrozenGenerator } from "./frozen.ts";
import { type LayerParameters, layerParameters } from "./layers.ts";

/** One model whose samples are what `second` makes of the samples of `first`: the layers of both. */
export function inSequence(first: FrozenGenerator, second: FrozenGenerator): FrozenGenerator {
  const { latentSize, labelCounts = null } = first;
  const layers = [...first.layers, ...second.layers];
  const weightsOf = (model: FrozenGenerator) =>
    layerParameters(model.layers, model.latentSize)
      .flatMap(namesOf)
      .map((name) => model.weights[name]!);
  const weights = [...weightsOf(first), ...weightsOf(second)];
  // A layer is named by its place.
  const names = layerParameters(layers, latentSize).flatMap(namesOf);
  return {
    latentSize,
    labelCounts,
    layers,
    weights: Object.fromEntries(names.map((name, i) => [name, weights[i]!])),
  };
}

function namesOf({ kernel, bias }: LayerParameters): string[] {
  return [kernel.name, bias.name];
}
