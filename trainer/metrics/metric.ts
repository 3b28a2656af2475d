/** What a metric is: a record, chosen by name. */

import type { Classified } from "../classifier/classifier.ts";
import type { Dataset } from "../data/dataset.ts";
import type { Engine } from "../engine/engine.ts";

export interface Metric {
  readonly name: string;
  /**
   * What it measures, for people, by the name of each number. A name that ends in `Error` is the standard
   * error of the one that it begins with.
   */
  readonly figures: Readonly<Record<string, string>>;
  /**
   * Which real examples show what a perfect generator would reach: training examples, or held-out ones where the
   * metric asks whether samples are training examples.
   */
  readonly ceiling: "train" | "held-out";
  /** Why it can't be measured here; null if it can. */
  obstacle(task: EvaluationTask): string | null;
  /** One number for each of `figures`. */
  evaluate(context: EvaluationContext): Promise<Readonly<Record<string, number>>>;
}

/** What is to be measured against which examples. Rows are [n, length] float32 in output units. */
export interface EvaluationTask {
  readonly dataset: Dataset;
  /** Numbers in a row. */
  readonly length: number;
  /** Choose a metric's own settings; at most 1,000 rows. */
  readonly validation: Float32Array<ArrayBuffer>;
  /** What the samples are measured against. */
  readonly test: Float32Array<ArrayBuffer>;
  /** A class a test example; null where they have none. */
  readonly testLabels: Uint16Array<ArrayBuffer> | null;
  readonly sampleCount: number;
  /** Why there is no classifier of the data to measure with; null if there is one. */
  readonly classifierObstacle: string | null;
}

export interface EvaluationContext extends EvaluationTask {
  readonly engine: Engine;
  /** [sampleCount, length]. */
  readonly samples: Float32Array<ArrayBuffer>;
  /** From every training example to its nearest other one, L2 in output units; null where that isn't known yet. */
  readonly siblings: Float32Array | null;
  /** What the project's own classifier makes of test examples and samples; the first call may train it. */
  classified(): Promise<ClassifiedParts>;
}

export interface ClassifiedParts {
  readonly test: Classified;
  readonly samples: Classified;
  /** Numbers of features a row. */
  readonly featureSize: number;
}
