import type { LayerSpec } from "../../shared/manifest.ts";
import { sizeOf } from "../autodiff/tensor.ts";
import { type Architecture, generatorOf } from "./generator.ts";

/** A multilayer perceptron: dense layers of the given widths, then one to the sample's size. */
export const mlp: Architecture = (request) => {
  const { latentSize, hidden, activation, normalisation, outputShape, outputActivation } = request;
  const layers: LayerSpec[] = [
    ...hidden.map((units) => ({ kind: "dense" as const, units, activation })),
    { kind: "dense", units: sizeOf(outputShape), activation: outputActivation },
  ];
  return generatorOf(latentSize, layers, normalisation);
};
