import { availableParallelism } from "node:os";
import pMap from "p-map";
import type { ModeCoverage } from "../../trainer/metrics/modes.ts";
import { inProcess } from "../in-process.ts";
import type { PaperContext } from "./experiment.ts";
import type { ModelRequest } from "./models.ts";

/** A training on a mixture whose modes are known. */
export interface ModeRun {
  /** Of the unit that keeps its result. */
  readonly unit: string;
  /** What it is, for people. */
  readonly label: string;
  readonly data: "ring" | "grid";
  readonly request: ModelRequest;
  /** Samples that the result holds; 0 where not given. */
  readonly kept?: number;
}

export interface CountedModes extends ModeCoverage {
  /** Mean over the last fortieth of the training. */
  readonly loss: number;
  /** Samples, one number after the other, to four places. */
  readonly points: readonly number[];
}

export interface ModeRunRequest extends Pick<ModeRun, "data" | "request"> {
  readonly size: PaperContext["size"];
  readonly kept: number;
}

const SCRIPT = new URL("mode-run-process.ts", import.meta.url);

/**
 * Trains them, and counts the modes that their samples reach; as many at once as there are cores, because networks so
 * small gain nothing by a second thread.
 */
export function countModes(context: PaperContext, runs: readonly ModeRun[]): Promise<CountedModes[]> {
  const atOnce = availableParallelism();
  const count = ({ unit, label, data, request, kept = 0 }: ModeRun) =>
    context.unit(
      unit,
      kept > 0 ? { ...request, kept } : { ...request },
      () => {
        context.report(label);
        const { size } = context;
        return inProcess<ModeRunRequest, CountedModes>(SCRIPT, { data, request, size, kept });
      },
      { atOnce },
    );
  return pMap(runs, count, { concurrency: atOnce });
}
