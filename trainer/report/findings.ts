/** What is known of a run only when it is over: metrics beside what real data reach, coverage, the audit. */

import type { Image } from "../../shared/image-grid.ts";
import type { MemorisationTest } from "../../shared/memorisation-check.ts";
import type { Dataset } from "../data/dataset.ts";
import type { Engine } from "../engine/engine.ts";
import { evaluateRealData } from "../evaluate.ts";
import { type Coverage, coverageByClass, coverageOf, nearerShare, remoteness } from "./coverage.ts";
import { coverageMap } from "./coverage-map.ts";
import { type NearestAudit, nearestAudit } from "./nearest-audit.ts";
import { spreadOf } from "./spread.ts";

export interface Findings {
  readonly dataset: Dataset;
  /** [n, length] in output units, the first of the model's seed. */
  readonly samples: Float32Array<ArrayBuffer>;
  readonly metrics: Readonly<Record<string, number>>;
  /** The same metrics of real examples in the place of samples. */
  readonly realData: Readonly<Record<string, number>>;
  readonly coverage: Coverage;
  /** Of images; see `coverage-map.ts`. */
  readonly map: Image | null;
  /** Null for a model without its memorisation check. */
  readonly audit: NearestAudit | null;
  /** Seconds that each part took after training. */
  readonly seconds: Readonly<Record<string, number>>;
}

export interface FindingsRequest {
  readonly engine: Engine;
  readonly dataset: Dataset;
  readonly seed: number;
  /** At least as many as coverage takes. */
  readonly samples: Float32Array<ArrayBuffer>;
  /** From every training example to its nearest other one, where that is known. */
  readonly siblings: Float32Array | null;
  readonly metrics: Readonly<Record<string, number>>;
  readonly test: MemorisationTest | null;
  /** Seconds that went into what came before. */
  readonly seconds: Readonly<Record<string, number>>;
  /** Called as each part of the work begins. */
  readonly onProgress: (what: string) => void;
}

export async function gatherFindings(request: FindingsRequest): Promise<Findings> {
  const { engine, dataset, seed, samples, siblings, metrics, test, onProgress } = request;
  const seconds: Record<string, number> = { ...request.seconds };
  async function timed<T>(part: string, act: () => Promise<T>): Promise<T> {
    const start = performance.now();
    const result = await act();
    seconds[part] = (performance.now() - start) / 1000;
    return result;
  }
  const isMeasured = Object.keys(metrics).length > 0;
  const realData = await timed("real data's metrics", async () =>
    isMeasured
      ? evaluateRealData({
          engine,
          dataset,
          seed,
          siblings,
          onProgress: (what) => onProgress(`real data: ${what}`),
        })
      : {},
  );
  onProgress("coverage of the training examples");
  const { coverage, map } = await timed("coverage", async () => {
    const found = await coverageOf(engine, dataset, seed, samples);
    const map =
      dataset.kind === "image" ? await coverageMap(engine, dataset, found.rows, remoteness(found)) : null;
    return { coverage: found, map };
  });
  const audit =
    test &&
    (await timed("audit", () => {
      onProgress("checking samples for copies");
      return nearestAudit(test, samples, unknownTo(test, dataset));
    }));
  return { dataset, samples, metrics, realData, coverage, map, audit, seconds };
}

/** Real examples that were neither trained on nor calibrated with. */
function unknownTo({ calibration }: MemorisationTest, { test, heldOut }: Dataset) {
  if (test) return test;
  return calibration.method === "leave-one-out" && heldOut.count > 0 ? heldOut : null;
}

/** The numbers that `compare` and other programs read: results.json of the run folder. */
export function resultsOf({ dataset, metrics, realData, coverage, audit, seconds }: Findings) {
  const { rows, sampleCount, distances, realDistances } = coverage;
  return {
    metrics,
    realData,
    coverage: {
      examples: rows.length,
      samples: sampleCount,
      nearerShare: nearerShare(coverage),
      matchDistance: spreadOf(distances),
      realDistance: realDistances && spreadOf(realDistances),
      classes: coverageByClass(dataset, coverage),
    },
    audit: audit && { alpha: audit.alpha, samples: audit.samples, fresh: audit.fresh },
    seconds,
  };
}
