/** A model's audit: how many of its samples are copies of training examples, beside how many real examples are. */

import { checkExample, type MemorisationCheck, type MemorisationTest } from "../shared/memorisation-check.ts";
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
  const values = comparable(test, samples);
  return {
    samples: figuresOf(await checkAll(test, values, (done, total) => onProgress("samples", done, total))),
    fresh:
      fresh &&
      figuresOf(
        await checkAll(test, fresh.values, (done, total) => onProgress("real examples", done, total)),
      ),
  };
}

/** Samples [n, length] in output units as the check takes them. */
export function comparable({ search }: MemorisationTest, samples: Float32Array<ArrayBuffer>): Example {
  return search.dtype === "uint8" ? pixelsToBytes(samples) : samples;
}

/** One check an example: [n, length]. */
export async function checkAll(
  test: MemorisationTest,
  values: Example,
  onProgress: (done: number, total: number) => void = () => {},
): Promise<MemorisationCheck[]> {
  const length = test.search.rowLength;
  const count = values.length / length;
  const checks: MemorisationCheck[] = [];
  for (let i = 0; i < count; i++) {
    if (i % 100 === 0) {
      onProgress(i, count);
      // Lets the display draw and Ctrl-C through.
      await new Promise(setImmediate);
    }
    checks.push(await checkExample(test, values.subarray(i * length, (i + 1) * length) as Example, 1));
  }
  return checks;
}

export function figuresOf(checks: readonly MemorisationCheck[]): AuditFigures {
  const share = (is: (check: MemorisationCheck) => boolean) => checks.filter(is).length / checks.length;
  return {
    count: checks.length,
    copies: share(({ verdict }) => verdict === "copy"),
    close: share(({ verdict }) => verdict === "close"),
    authentic: share(({ authentic }) => authentic),
  };
}
