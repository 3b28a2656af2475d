/** A trained generator as it is exported: fixed weights, output units, and the edge's own latents. */

import { type InputSpec, sampleInputs } from "../../shared/generator-inputs.ts";
import type { LayerSpec } from "../../shared/manifest.ts";
import type { ModelSpace } from "../data/model-space.ts";
import type { Engine, ParameterValues } from "../engine/engine.ts";
import { generatorOf } from "./generator.ts";
import { layerParameters } from "./layers.ts";
import { NO_TRAINING } from "./plain.ts";
import { createSampler } from "./sampler.ts";

export interface FrozenGenerator {
  /** Numbers that it takes; where it takes a class, the last of them have a 1 in the class's place. */
  readonly latentSize: number;
  /** Training examples of every class; left out: it takes none. */
  readonly labelCounts?: readonly number[] | null;
  readonly layers: readonly LayerSpec[];
  /** By the names that `layerParameters` gives. */
  readonly weights: ParameterValues;
}

/** What it is fed. */
export function inputSpecOf({
  latentSize,
  labelCounts = null,
}: Pick<FrozenGenerator, "latentSize" | "labelCounts">): InputSpec {
  return { latentSize: latentSize - (labelCounts?.length ?? 0), labelCounts };
}

/**
 * Weights for the data's own units: the way back from model space is folded into the last layer.
 *
 * @param layers whose last one is dense and linear wherever the space isn't the identity
 */
export function foldModelSpace(generator: FrozenGenerator, { affine }: ModelSpace): FrozenGenerator {
  if (!affine) return generator;
  const { layers, latentSize, weights } = generator;
  const { kernel, bias } = layerParameters(layers, latentSize).at(-1)!;
  const columns = affine.scale.length;
  const folded = {
    [kernel.name]: weights[kernel.name]!.map((value, i) => value * affine.scale[i % columns]!),
    [bias.name]: weights[bias.name]!.map((value, i) => value * affine.scale[i]! + affine.shift[i]!),
  };
  return { ...generator, weights: { ...weights, ...folded } };
}

export interface SeededSampler {
  /** Samples `first` … `first + count − 1` under `seed`, [count, outputSize] in output units: the edge's samples. */
  sample(seed: number, first: number, count: number): Promise<Float32Array<ArrayBuffer>>;
  dispose(): Promise<void>;
}

/** Runs a frozen generator on an engine. */
export async function createSeededSampler(engine: Engine, frozen: FrozenGenerator): Promise<SeededSampler> {
  const { latentSize, layers, weights } = frozen;
  const specs = layerParameters(layers, latentSize).flatMap(({ kernel, bias }) => [kernel, bias]);
  const initial = specs.map((spec) => ({ ...spec, values: weights[spec.name]! }));
  const parameters = await engine.createParameters(initial, NO_TRAINING);
  const generator = generatorOf(latentSize, layers);
  const sampler = createSampler(engine, generator, { parameters, use: "weights" });
  return {
    // A copy, because the sampler reuses its memory.
    sample: async (seed, first, count) =>
      (await sampler.sample(sampleInputs(inputSpecOf(frozen), { seed, first, count }))).slice(),
    async dispose() {
      await sampler.dispose();
      await parameters.dispose();
    },
  };
}
