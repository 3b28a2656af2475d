/** The samples that came nearest to a training example, and how many more of them than real examples would. */

import type { MemorisationCheck, MemorisationTest } from "../../shared/memorisation-check.ts";
import { type AuditFigures, checkAll, comparable, figuresOf } from "../audit.ts";
import { type Rows, sliceRows } from "../data/dataset.ts";

/** A share of 1 % has a standard error of 0.4 % then. */
const CHECKED = 500;

export interface NearestAudit {
  readonly samples: AuditFigures;
  /** Examples that were neither trained on nor calibrated with; null where there are none. */
  readonly fresh: AuditFigures | null;
  /** Of every sample that was checked, and of every fresh example. */
  readonly pValues: readonly number[];
  readonly freshPValues: readonly number[] | null;
  /** By p-value, the least first. */
  readonly nearest: readonly AuditedSample[];
  readonly alpha: number;
}

export interface AuditedSample extends MemorisationCheck {
  /** The sample's number. */
  readonly sample: number;
}

/**
 * @param samples [n, length] in output units
 * @param fresh   real examples that the test knows nothing of
 */
export async function nearestAudit(
  test: MemorisationTest,
  samples: Float32Array<ArrayBuffer>,
  fresh: Rows | null,
): Promise<NearestAudit> {
  const checked = samples.subarray(0, CHECKED * test.search.rowLength);
  const ofSamples = await checkAll(test, comparable(test, checked));
  const someFresh = fresh && sliceRows(fresh, 0, Math.min(CHECKED, fresh.count));
  const ofFresh = someFresh && (await checkAll(test, someFresh.values));
  const pValues = (checks: readonly MemorisationCheck[]) => checks.map(({ pValue }) => pValue);
  return {
    samples: figuresOf(ofSamples),
    fresh: ofFresh && figuresOf(ofFresh),
    pValues: pValues(ofSamples),
    freshPValues: ofFresh && pValues(ofFresh),
    nearest: ofSamples
      .map((check, sample) => ({ ...check, sample }))
      .sort((a, b) => a.pValue - b.pValue || a.ratio - b.ratio || a.sample - b.sample),
    alpha: test.calibration.alpha,
  };
}
