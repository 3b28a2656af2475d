/** What every training begins with: a generator for the data, and the objective that trains it. */

import { createRandom } from "../shared/random.ts";
import type { Config } from "./config.ts";
import type { Dataset } from "./data/dataset.ts";
import { type ModelSpace, modelSpaceOf } from "./data/model-space.ts";
import type { Engine } from "./engine/engine.ts";
import type { FrozenGenerator } from "./generators/frozen.ts";
import { GENERATORS } from "./generators/index.ts";
import { OBJECTIVES } from "./objectives/index.ts";
import type { Training } from "./objectives/objective.ts";
import type { Searcher } from "./search/searcher.ts";

export interface PreparedTraining {
  readonly space: ModelSpace;
  readonly training: Training;
}

export interface PreparationOptions {
  /**
   * Called with the generator before anything is placed on the engine, and with the model that is exported; throws if
   * it won't do.
   */
  readonly check?: ((model: Pick<FrozenGenerator, "layers" | "latentSize">) => void) | undefined;
  /** Searches in the place of the configured one: for experiments. */
  readonly searcher?: Searcher | undefined;
  /** Takes the place of the data's own model space: for experiments. */
  readonly space?: ModelSpace | undefined;
}

/** @throws InputError if the configuration doesn't fit the data */
export async function prepareTraining(
  engine: Engine,
  config: Config,
  dataset: Dataset,
  { check = () => {}, searcher, space = modelSpaceOf(dataset) }: PreparationOptions = {},
): Promise<PreparedTraining> {
  const random = createRandom(config.seed);
  const generator = GENERATORS[config.generator.kind]!({
    ...config.generator,
    outputShape: dataset.shape,
    outputActivation: dataset.kind === "image" ? "sigmoid" : "linear",
  });
  check(generator);
  const training = await OBJECTIVES[config.objective.name]!.prepare({
    engine,
    generator,
    firstWeights: () => generator.initialParameters(random.fork("weights")),
    train: dataset.train,
    shape: dataset.shape,
    space,
    config,
    searcher,
    random: random.fork("training"),
  });
  check(await training.model());
  return { space, training };
}
