/** How a run tells what it is doing: a live display, plain lines, or JSON lines. */

import { describe, describeWork, everySeconds, percent, withTimeLeft } from "./progress-text.ts";
import type { TimedObservation } from "./run-folder.ts";
import { terminalReporter } from "./terminal-display.ts";

export interface TrainingProgress {
  readonly stepCount: number;
  readonly totalSteps: number | null;
  /** 0 to 1. */
  readonly progress: number;
  readonly elapsedSeconds: number;
  /** Mean loss of the last steps. */
  readonly loss: number;
  readonly learningRate: number;
  /** Mean recall of the last searches; null where they are exact. */
  readonly recall: number | null;
  readonly samplesPerSecond: number;
}

export interface Reporter {
  /** Something that happens once: what is trained on, where files went. */
  note(event: string, text: string, fields?: Readonly<Record<string, unknown>>): void;
  training(progress: TrainingProgress): void;
  /** A look at the generator. */
  observed(observation: TimedObservation): void;
  /** Work with a known amount: `done` of `total`. */
  working(what: string, done: number, total: number): void;
  close(): void;
}

/** The live display on a terminal, plain lines elsewhere, JSON lines if asked for. */
export function createReporter({ json }: { readonly json: boolean }): Reporter {
  if (json) return jsonReporter();
  // A terminal that says it has no rows leaves no room to draw in.
  return process.stdout.isTTY && process.stdout.rows > 0 ? terminalReporter() : plainReporter();
}

/** Tells all of them. */
export function reportToAll(reporters: readonly Reporter[]): Reporter {
  const all = (tell: (reporter: Reporter) => void) => reporters.forEach(tell);
  return {
    note: (...note) => all((each) => each.note(...note)),
    training: (progress) => all((each) => each.training(progress)),
    observed: (observation) => all((each) => each.observed(observation)),
    working: (...work) => all((each) => each.working(...work)),
    close: () => all((each) => each.close()),
  };
}

function jsonReporter(): Reporter {
  const line = (value: object) => process.stdout.write(`${JSON.stringify(value)}\n`);
  return {
    note: (event, text, fields) => line({ event, text, ...fields }),
    training: everySeconds(0.5, (progress) => line({ event: "progress", ...progress })),
    observed: ({ picture: _, ...observation }) => line({ event: "observation", ...observation }),
    working: everySeconds(
      0.5,
      withTimeLeft((work) => line({ event: "working", ...work })),
    ),
    close() {},
  };
}

/** For logs: a line every few seconds is enough. */
function plainReporter(): Reporter {
  return {
    note: (_, text) => console.log(text),
    training: everySeconds(5, (progress) => console.log(describe(progress))),
    observed() {},
    working: everySeconds(
      5,
      withTimeLeft((work) => console.log(`${percent(work.done / work.total)} · ${describeWork(work)}`)),
    ),
    close() {},
  };
}
