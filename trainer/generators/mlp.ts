import { type Generator, type GeneratorRequest, generatorOf } from "./generator.ts";

/** A multilayer perceptron: dense layers of the given widths, then one to the sample's size. */
export function mlp({
  latentSize,
  hidden,
  activation,
  outputSize,
  outputActivation,
}: GeneratorRequest): Generator {
  return generatorOf(latentSize, [
    ...hidden.map((units) => ({ kind: "dense" as const, units, activation })),
    { kind: "dense", units: outputSize, activation: outputActivation },
  ]);
}
