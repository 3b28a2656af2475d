/** What every training begins with: a generator for the data, its parameters on the engine, and the objective. */

import { createRandom } from "../shared/random.ts";
import type { Config } from "./config.ts";
import type { Dataset } from "./data/dataset.ts";
import { type ModelSpace, modelSpaceOf } from "./data/model-space.ts";
import type { Engine, Parameters } from "./engine/engine.ts";
import type { Generator } from "./generators/generator.ts";
import { GENERATORS } from "./generators/index.ts";
import { OBJECTIVES } from "./objectives/index.ts";
import type { Training } from "./objectives/objective.ts";

export interface PreparedTraining {
  readonly generator: Generator;
  readonly parameters: Parameters;
  readonly space: ModelSpace;
  readonly training: Training;
}

/**
 * @param check called with the generator before anything is placed on the engine; throws if it won't do
 * @throws InputError if the configuration doesn't fit the data
 */
export async function prepareTraining(
  engine: Engine,
  config: Config,
  dataset: Dataset,
  check: (generator: Generator) => void = () => {},
): Promise<PreparedTraining> {
  const random = createRandom(config.seed);
  const generator = GENERATORS[config.generator.kind]!({
    ...config.generator,
    outputShape: dataset.shape,
    outputActivation: dataset.kind === "image" ? "sigmoid" : "linear",
  });
  check(generator);
  const parameters = await engine.createParameters(
    generator.initialParameters(random.fork("weights")),
    config.optimiser,
  );
  const space = modelSpaceOf(dataset);
  const training = await OBJECTIVES[config.objective.name]!.prepare({
    engine,
    generator,
    parameters,
    train: dataset.train,
    shape: dataset.shape,
    space,
    config,
    random: random.fork("training"),
  });
  return { generator, parameters, space, training };
}
