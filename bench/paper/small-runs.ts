/** Trainings of small networks on procedural data, a process each. */

import { availableParallelism } from "node:os";
import pMap from "p-map";
import { inProcess } from "../in-process.ts";
import type { PaperContext } from "./experiment.ts";
import type { ModelRequest } from "./models.ts";

export interface SmallRun {
  /** Of the unit that keeps its result. */
  readonly unit: string;
  /** What it is, for people. */
  readonly label: string;
  /** Its preset's name is that of the data, too. */
  readonly request: ModelRequest;
}

export interface SmallRunResult {
  /** [sampleCount, length], in output units. */
  readonly samples: Float32Array<ArrayBuffer>;
  /** Mean over the last fortieth of the training. */
  readonly loss: number;
}

export interface SmallRunRequest {
  readonly request: ModelRequest;
  readonly size: PaperContext["size"];
  readonly sampleCount: number;
}

const SCRIPT = new URL("small-run-process.ts", import.meta.url);

/**
 * Trains as many at once as there are cores, because networks so small gain nothing by a second thread.
 *
 * @param settings what the results depend on beside each run's request
 * @param look     what is kept of a run, in the order of the runs
 */
export function trainSmall<Run extends SmallRun, Result>(
  context: PaperContext,
  runs: readonly Run[],
  settings: Readonly<Record<string, unknown>> & { readonly sampleCount: number },
  look: (result: SmallRunResult, run: Run) => Result | Promise<Result>,
): Promise<Result[]> {
  const { size } = context;
  const { sampleCount } = settings;
  const atOnce = availableParallelism();
  return pMap(
    runs,
    (run) => {
      const { unit, label, request } = run;
      const train = async () => {
        context.report(`${label}, seed ${request.seed}`);
        return look(
          await inProcess<SmallRunRequest, SmallRunResult>(SCRIPT, { request, size, sampleCount }),
          run,
        );
      };
      return context.unit(unit, { ...request, ...settings }, train, { atOnce });
    },
    { concurrency: atOnce },
  );
}
