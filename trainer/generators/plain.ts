/** A generator under training as it is sampled from: plain layers, whatever normalisation it is trained with. */

import { sampleInputs } from "../../shared/generator-inputs.ts";
import { input } from "../autodiff/tensor.ts";
import type {
  AdamSettings,
  Engine,
  Executable,
  ParameterSource,
  Parameters,
  ParameterValues,
} from "../engine/engine.ts";
import { type FrozenGenerator, inputSpecOf } from "./frozen.ts";
import { type Generator, generatorOf } from "./generator.ts";
import { layerParameters } from "./layers.ts";

/** The latents whose moments take the place of a batch's; always the same ones. */
const MOMENT_LATENTS = 512;

/** Nothing is trained with it. */
export const NO_TRAINING: AdamSettings = {
  beta1: 0,
  beta2: 0,
  epsilon: 1,
  weightDecay: 0,
  averageDecay: 0,
};

export interface PlainGenerator {
  readonly generator: Generator;
  /** What the plain generator's programs read. */
  readonly source: ParameterSource;
  /** Brings its weights to where training is now. */
  refresh(): Promise<void>;
  dispose(): Promise<void>;
}

export async function createPlainGenerator(
  engine: Engine,
  trained: Generator,
  source: ParameterSource,
): Promise<PlainGenerator> {
  const generator = generatorOf(trained.latentSize, trained.layers);
  if (!trained.plainWeights) return { generator, source, refresh: async () => {}, dispose: async () => {} };
  const { parameters } = source;
  const state = await parameters.read();
  const initial = parameters.specs.map((spec) => ({ ...spec, values: state.weights[spec.name]! }));
  const plain = await engine.createParameters(initial, NO_TRAINING);
  const empty = await plain.read();
  const program = await compilePlainWeights(engine, trained, source);
  return {
    generator,
    source: { parameters: plain, use: "weights" },
    async refresh() {
      const weights = await runPlainWeights(program, trained);
      await plain.write({ ...empty, weights, average: weights });
    },
    dispose: () => program.dispose(),
  };
}

/**
 * The generator as it is now, in plain layers with averaged weights; other parameters in the set are left out.
 *
 * @param latents what it makes samples of: [n, latentSize]; normal ones, if left out
 */
export async function readModel(
  engine: Engine,
  trained: Generator,
  parameters: Parameters,
  latents?: Float32Array<ArrayBuffer>,
): Promise<FrozenGenerator> {
  const { latentSize, labelCounts, layers } = trained;
  const weights = await readPlainWeights(engine, trained, { parameters, use: "average" }, latents);
  const names = layerParameters(layers, latentSize).flatMap(({ kernel, bias }) => [kernel.name, bias.name]);
  return {
    latentSize,
    labelCounts,
    layers,
    weights: Object.fromEntries(names.map((name) => [name, weights[name]!])),
  };
}

/** The weights that the plain layers have now, by name. */
export async function readPlainWeights(
  engine: Engine,
  trained: Generator,
  source: ParameterSource,
  latents?: Float32Array<ArrayBuffer>,
): Promise<ParameterValues> {
  if (!trained.plainWeights) return (await source.parameters.read())[source.use];
  const program = await compilePlainWeights(engine, trained, source);
  const weights = await runPlainWeights(program, trained, latents && momentRows(latents, trained.latentSize));
  await program.dispose();
  return weights;
}

const OUTPUT_PREFIX = "plain:";

function compilePlainWeights(
  engine: Engine,
  { latentSize, plainWeights }: Generator,
  source: ParameterSource,
): Promise<Executable> {
  const weights = plainWeights!(input("latents", [MOMENT_LATENTS, latentSize]));
  const outputs = Object.entries(weights).map(([name, tensor]) => [OUTPUT_PREFIX + name, tensor]);
  return engine.compile(Object.fromEntries(outputs), source);
}

async function runPlainWeights(
  program: Executable,
  trained: Generator,
  latents = sampleInputs(inputSpecOf(trained), { seed: 0, first: 0, count: MOMENT_LATENTS }),
): Promise<ParameterValues> {
  const found = await program.run({ latents });
  return Object.fromEntries(
    // A copy, because the program reuses its memory.
    Object.entries(found).map(([name, values]) => [
      name.slice(OUTPUT_PREFIX.length),
      Float32Array.from(values),
    ]),
  );
}

/** As many of the latents as moments are taken over, spread over all of them. */
function momentRows(latents: Float32Array, latentSize: number): Float32Array<ArrayBuffer> {
  const count = latents.length / latentSize;
  const rows = new Float32Array(MOMENT_LATENTS * latentSize);
  for (let i = 0; i < MOMENT_LATENTS; i++) {
    const from = Math.floor((i * count) / MOMENT_LATENTS) * latentSize;
    rows.set(latents.subarray(from, from + latentSize), i * latentSize);
  }
  return rows;
}
