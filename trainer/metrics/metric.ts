/** What a metric is: a record, chosen by name. */

import type { Dataset } from "../data/dataset.ts";
import type { Engine } from "../engine/engine.ts";

export interface Metric {
  readonly name: string;
  /**
   * What it measures, for people, by the name of each number. A name that ends in `Error` is the standard
   * error of the one that it begins with.
   */
  readonly figures: Readonly<Record<string, string>>;
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
  readonly sampleCount: number;
}

export interface EvaluationContext extends EvaluationTask {
  readonly engine: Engine;
  /** [sampleCount, length]. */
  readonly samples: Float32Array<ArrayBuffer>;
}
