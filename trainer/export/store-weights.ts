/** From the weights that were trained to those that are served: smaller, and no worse than asked for. */

import {
  MAX_FILE_BYTES,
  type OutputSpec,
  type StoredWeightsSpec,
  type WeightType,
} from "../../shared/manifest.ts";
import type { Engine } from "../engine/engine.ts";
import { createSeededSampler, type FrozenGenerator } from "../generators/frozen.ts";
import { layerParameters } from "../generators/layers.ts";
import { type BundleFile, shard } from "./files.ts";
import { WEIGHT_TYPES } from "./weight-types.ts";

/** A generator with the values that its stored numbers stand for, and those numbers. */
export interface StoredGenerator {
  readonly generator: FrozenGenerator;
  readonly weights: StoredWeights;
}

export interface StoredWeights extends Omit<StoredWeightsSpec, "files"> {
  /** What the manifest's `files` hold, in order; null: nothing that model.json doesn't. */
  readonly arrays: readonly ArrayBufferView[] | null;
}

/** As they were trained. */
export const FLOAT32_WEIGHTS: StoredWeights = { dtype: "float32", arrays: null, error: null };

/**
 * The largest error, root mean square, of a picture that nobody sees: half a grey level, little more than the 0.29
 * that rounding to bytes makes by itself.
 */
const INVISIBLE = 0.5 / 255;

/** Of which the error is measured. */
const SAMPLES = 256;

/**
 * Stores the weights as asked for, and measures what that does to samples.
 *
 * `auto` takes the first of int8 and float16 whose error in a picture is invisible. Numbers that are no pictures stay
 * float32: nobody but their reader knows what precision they need, and their generators are small.
 *
 * @param generator in the data's own units
 * @param seed      of the samples that are compared
 */
export async function storeWeights(
  engine: Engine,
  generator: FrozenGenerator,
  output: OutputSpec,
  dtype: WeightType | "auto",
  seed: number,
): Promise<StoredGenerator> {
  const trained = { generator, weights: FLOAT32_WEIGHTS };
  if (dtype === "float32" || (dtype === "auto" && output.kind === "vector")) return trained;
  const sample = async (each: FrozenGenerator) => {
    const sampler = await createSeededSampler(engine, each);
    const values = await sampler.sample(seed, 0, SAMPLES);
    await sampler.dispose();
    return output.kind === "image" ? values.map((value) => Math.min(Math.max(value, 0), 1)) : values;
  };
  const expected = await sample(generator);
  for (const candidate of dtype === "auto" ? (["int8", "float16"] as const) : [dtype]) {
    const { weights, ...stored } = withWeights(generator, candidate);
    const error = { samples: SAMPLES, ...compared(await sample(stored.generator), expected) };
    if (dtype === "auto" && error.rootMeanSquare > INVISIBLE) continue;
    return { ...stored, weights: { ...weights, error } };
  }
  return trained;
}

/** The generator with its kernels stored as `dtype`; the error is left to be measured. */
export function withWeights(generator: FrozenGenerator, dtype: WeightType): StoredGenerator {
  if (dtype === "float32") return { generator, weights: FLOAT32_WEIGHTS };
  const { layers, latentSize, weights } = generator;
  const values = { ...weights };
  const small: ArrayBufferView[] = [];
  const kernels: ArrayBufferView[] = [];
  for (const { kernel, unitAxis, bias } of layerParameters(layers, latentSize)) {
    const stored = WEIGHT_TYPES[dtype](weights[kernel.name]!, kernel.shape, unitAxis);
    values[kernel.name] = stored.values;
    small.push(weights[bias.name]!, ...(stored.scales ? [stored.scales] : []));
    kernels.push(stored.numbers);
  }
  return {
    generator: { ...generator, weights: values },
    weights: { dtype, arrays: [...small, ...kernels], error: null },
  };
}

/** The files that the manifest's `files` are to name; null where model.json's hold the weights. */
export function storedWeightFiles({ arrays }: StoredWeights): BundleFile[] | null {
  return arrays && shard(arrays, MAX_FILE_BYTES).map((bytes, i) => ({ path: `generator.${i}.bin`, bytes }));
}

function compared(actual: Float32Array, expected: Float32Array) {
  let [largest, sum, squares] = [0, 0, 0];
  for (let i = 0; i < actual.length; i++) {
    const distance = Math.abs(actual[i]! - expected[i]!);
    largest = Math.max(largest, distance);
    sum += distance;
    squares += distance ** 2;
  }
  return { largest, mean: sum / actual.length, rootMeanSquare: Math.sqrt(squares / actual.length) };
}
