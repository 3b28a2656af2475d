/** What a training step is: each objective is a record with a `prepare`, chosen by name. */

import type { Random } from "../../shared/random.ts";
import type { Config } from "../config.ts";
import type { Rows } from "../data/dataset.ts";
import type { ModelSpace } from "../data/model-space.ts";
import type { Engine, Numbers, Parameters } from "../engine/engine.ts";
import type { Generator } from "../generators/generator.ts";

export interface Objective {
  readonly name: string;
  /**
   * Gets ready to train.
   *
   * @throws InputError if the configuration doesn't fit the data or the generator
   */
  prepare(context: ObjectiveContext): Promise<Training>;
}

export interface ObjectiveContext {
  readonly engine: Engine;
  readonly generator: Generator;
  readonly parameters: Parameters;
  readonly train: Rows;
  /** Of an example: [height, width, channels] for images, [length] for vectors. */
  readonly shape: readonly number[];
  readonly space: ModelSpace;
  readonly config: Config;
  readonly random: Random;
}

export interface Training {
  /** A few words for people: what it was told, and what it chose by itself. */
  readonly description: string;
  /** Steps in which every training example has its turn once. */
  readonly stepsPerEpoch: number;
  /** How many steps it takes best at once: as many as the engine. */
  readonly unroll: number;
  /** One optimisation step a learning rate. */
  run(learningRates: readonly number[]): Promise<StepsReport>;
  /** Everything beside the parameters that the next step depends on. */
  state(): TrainingState;
  restore(state: TrainingState): void;
  dispose(): Promise<void>;
}

export interface StepsReport {
  /** Of every step, before its update. */
  readonly losses: readonly number[];
  /** Seconds that went into each part: `sample`, `search`, `descend`. A search that makes its points is all `search`. */
  readonly seconds: Readonly<Record<string, number>>;
  /** Of the search in these steps, where there was one and it only approximates: see `Matches.recall`. */
  readonly recall?: number;
}

export interface TrainingState {
  readonly counters: Readonly<Record<string, number>>;
  readonly arrays: Readonly<Record<string, Numbers>>;
}
