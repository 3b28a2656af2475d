/** A model's audit: how many of its samples are copies of training examples, beside how many real examples are. */

import { checkExample, type MemorisationTest } from "../shared/memorisation-check.ts";
import { pixelsToBytes } from "../shared/pixels.ts";
import type { Example } from "../shared/statistic.ts";
import type { Rows } from "./data/dataset.ts";

export interface Audit {
  readonly samples: AuditFigures;
  /** Examples that were neither trained on nor calibrated with; null where there are none. */
  readonly fresh: AuditFigures | null;
}

export interface AuditFigures {
  readonly count: number;
  /** Shares of the examples, 0 to 1. */
  readonly copies: number;
  readonly close: number;
  /** Farther from their nearest training example than that one is from the rest. */
  readonly authentic: number;
}

export type AuditProgress = (what: string, done: number, total: number) => void;

/**
 * @param samples    [n, length] in output units (images 0 … 1)
 * @param fresh      real examples, as the data set has them
 * @param onProgress told now and then
 */
export async function audit(
  test: MemorisationTest,
  samples: Float32Array<ArrayBuffer>,
  fresh: Rows | null,
  onProgress: AuditProgress,
): Promise<Audit> {
  const values = test.search.dtype === "uint8" ? pixelsToBytes(samples) : samples;
  return {
    samples: await checkAll(test, values, (done, total) => onProgress("samples", done, total)),
    fresh:
      fresh &&
      (await checkAll(test, fresh.values, (done, total) => onProgress("real examples", done, total))),
  };
}

async function checkAll(
  test: MemorisationTest,
  values: Example,
  onProgress: (done: number, total: number) => void,
): Promise<AuditFigures> {
  const length = test.search.rowLength;
  const count = values.length / length;
  const counts = { copy: 0, close: 0, novel: 0, authentic: 0 };
  for (let i = 0; i < count; i++) {
    if (i % 100 === 0) onProgress(i, count);
    const check = await checkExample(test, values.subarray(i * length, (i + 1) * length) as Example, 1);
    counts[check.verdict]++;
    if (check.authentic) counts.authentic++;
  }
  const { copy, close, authentic } = counts;
  return { count, copies: copy / count, close: close / count, authentic: authentic / count };
}
