/** What every training begins with: a generator for the data, and the objective that trains it. */

import { createRandom } from "../shared/random.ts";
import type { Config } from "./config.ts";
import type { Dataset } from "./data/dataset.ts";
import { type ModelSpace, modelSpaceOf } from "./data/model-space.ts";
import type { Engine, ParameterValues } from "./engine/engine.ts";
import type { FrozenGenerator } from "./generators/frozen.ts";
import type { Architecture } from "./generators/generator.ts";
import { GENERATORS } from "./generators/index.ts";
import { InputError } from "./input-error.ts";
import { OBJECTIVES } from "./objectives/index.ts";
import type { Objective, Training } from "./objectives/objective.ts";
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
  /** Make a step, and a generator, in the place of those that the configuration names. */
  readonly objective?: Objective | undefined;
  readonly architecture?: Architecture | undefined;
  /** Searches in the place of the configured one: for experiments. */
  readonly searcher?: Searcher | undefined;
  /** First weights of the generator by name, in the place of random ones. */
  readonly weights?: ParameterValues | undefined;
  /** Takes the place of the data's own model space: for experiments. */
  readonly space?: ModelSpace | undefined;
}

/** @throws InputError if the configuration doesn't fit the data */
export async function prepareTraining(
  engine: Engine,
  config: Config,
  dataset: Dataset,
  options: PreparationOptions = {},
): Promise<PreparedTraining> {
  const {
    check = () => {},
    objective = OBJECTIVES[config.objective.name]!,
    architecture = GENERATORS[config.generator.kind]!,
    searcher,
    weights = {},
    space = modelSpaceOf(dataset),
  } = options;
  const random = createRandom(config.seed);
  const labelCounts = objective.takesLabels ? countLabels(objective, dataset) : null;
  const plain = architecture({
    ...config.generator,
    latentSize: config.generator.latentSize + (labelCounts?.length ?? 0),
    outputShape: dataset.shape,
    outputActivation: dataset.kind === "image" ? "sigmoid" : "linear",
  });
  const generator = { ...plain, labelCounts };
  check(generator);
  const training = await objective.prepare({
    engine,
    generator,
    firstWeights: () =>
      generator
        .initialParameters(random.fork("weights"))
        .map((each) => ({ ...each, values: weights[each.name] ?? each.values })),
    train: dataset.train,
    shape: dataset.shape,
    space,
    config: { ...config, objective: { ...config.objective, name: objective.name } },
    searcher,
    random: random.fork("training"),
  });
  check(await training.model());
  return { space, training };
}

/** Training examples of every class. */
function countLabels({ name }: Objective, { name: data, labelNames, train }: Dataset): number[] {
  if (!labelNames || !train.labels) {
    throw new InputError(
      `config: objective "${name}" needs data with classes, and "${data}" has none. Say --objective imle, or give ` +
        "pictures in a folder for each class.",
    );
  }
  const counts = labelNames.map(() => 0);
  for (const label of train.labels) counts[label]!++;
  return counts;
}
