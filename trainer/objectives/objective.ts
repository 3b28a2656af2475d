/** What a training step is: each objective is a record with a `prepare`, chosen by name. */

import type { Random } from "../../shared/random.ts";
import type { Config } from "../config.ts";
import type { Rows } from "../data/dataset.ts";
import type { ModelSpace } from "../data/model-space.ts";
import type { Engine, InitialParameter, Numbers, ParameterState } from "../engine/engine.ts";
import type { FrozenGenerator } from "../generators/frozen.ts";
import type { Generator } from "../generators/generator.ts";
import type { Searcher } from "../search/searcher.ts";

export interface Objective {
  readonly name: string;
  /** Whether the generator is told a class: the data need labels then. */
  readonly takesLabels?: true;
  /**
   * Gets ready to train.
   *
   * @throws InputError if the configuration doesn't fit the data or the generator
   */
  prepare(context: ObjectiveContext): Promise<Training>;
}

export interface ObjectiveContext {
  readonly engine: Engine;
  /** What the configuration describes: the whole of the exported model, or part of it. */
  readonly generator: Generator;
  /** The generator's, drawn when asked for. */
  readonly firstWeights: () => InitialParameter[];
  readonly train: Rows;
  /** Of an example: [height, width, channels] for images, [length] for vectors. */
  readonly shape: readonly number[];
  readonly space: ModelSpace;
  readonly config: Config;
  /** Searches in the place of the configured one. */
  readonly searcher?: Searcher | undefined;
  readonly random: Random;
}

export interface Training {
  /** A few words for people: what it was told, and what it chose by itself. */
  readonly description: string;
  /** Steps in which every training example has its turn once. */
  readonly stepsPerEpoch: number;
  /** How many steps it takes best at once: as many as the engine. */
  readonly unroll: number;
  /** Shares of the budget that its stages take, in order; the learning rate falls in each of them. One, if left out. */
  readonly stages?: readonly number[];
  /** Whether steps change nothing, because `model()` solves it at once. */
  readonly isClosedForm?: true;
  /** One optimisation step a learning rate, all of one stage. */
  run(learningRates: readonly number[], stage?: number): Promise<StepsReport>;
  /** What would be exported now, in model space: plain layers with averaged weights. */
  model(): Promise<FrozenGenerator>;
  /** A copy of everything that the next step depends on. */
  state(): Promise<TrainingState>;
  restore(state: TrainingState): Promise<void>;
  dispose(): Promise<void>;
}

export interface StepsReport {
  /** Of every step, before its update. */
  readonly losses: readonly number[];
  /** Seconds that went into each part: `sample`, `search`, `descend`. A search that makes its points is all `search`. */
  readonly seconds: Readonly<Record<string, number>>;
  /** Of the search in these steps, where there was one and it only approximates: see `Matches.recall`. */
  readonly recall?: number;
  /** What else is worth a record, by name: means over these steps. */
  readonly figures?: Readonly<Record<string, number>>;
}

export interface TrainingState {
  /** By network: `generator`, and what is trained beside it. */
  readonly parameters: Readonly<Record<string, ParameterState>>;
  readonly counters: Readonly<Record<string, number>>;
  readonly arrays: Readonly<Record<string, Numbers>>;
}
