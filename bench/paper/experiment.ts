/** What an experiment of `npm run bench -- paper` is. */

import type { TopLevelSpec } from "vega-lite";
import type { Dataset } from "../../trainer/data/dataset.ts";
import type { Engine } from "../../trainer/engine/engine.ts";

export interface Experiment {
  /** One letter, by which `--only` takes it. */
  readonly id: string;
  /** For file and row names. */
  readonly name: string;
  /** The claim that it looks into, for people. */
  readonly title: string;
  /** Which data it needs beside those that are code. */
  readonly needs: readonly DataName[];
  run(context: PaperContext): Promise<Outcome>;
}

export type DataName = "mnist" | "cifar10";

export interface PaperContext {
  readonly engine: Engine;
  /** smoke: everything tiny, to see that it runs; its figures mean nothing. */
  readonly size: "full" | "smoke";
  report(line: string): void;
  /** The data set by its name; in a smoke run, glyphs stand for pictures that aren't there. */
  data(name: DataName): Promise<Dataset>;
  /**
   * The result of a piece of work, computed once and kept: what an interrupted run has done isn't done again.
   *
   * @param settings all that the result depends on; a `preset` among them stands for all that it sets
   * @param options.atOnce how many such pieces run at the same time: the experiment's time counts that much less of each
   */
  unit<Result>(
    name: string,
    settings: Readonly<Record<string, unknown>>,
    compute: () => Promise<Result>,
    options?: { readonly atOnce?: number },
  ): Promise<Result>;
}

export interface Outcome {
  readonly rows: readonly PaperRow[];
  /** Drawings, by the file names that they get, without their ending. */
  readonly figures?: Readonly<Record<string, TopLevelSpec>>;
  /** Pictures as PNG, by file name. */
  readonly pictures?: Readonly<Record<string, Uint8Array>>;
}

/** A line of the experiment's table: what was done, and what came out. */
export interface PaperRow {
  /** Unique in the experiment; letters, digits and dashes. */
  readonly name: string;
  readonly label: string;
  /** Numbers by what they are; `null`: not measured, or not published. */
  readonly values: Readonly<Record<string, Measured | null>>;
  /** Of published rows: where from. */
  readonly source?: string;
}

export interface Measured {
  readonly mean: number;
  /** Standard deviation over seeds, or the error that the metric gives; 0 where there is one value. */
  readonly spread: number;
}

/** Mean and standard deviation. */
export function over(values: readonly number[]): Measured {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, spread: values.length > 1 ? Math.sqrt(squares / (values.length - 1)) : 0 };
}

export function single(mean: number, spread = 0): Measured {
  return { mean, spread };
}
