/** How a run tells what it is doing: a live display, plain lines, or JSON lines. */

import { createLogUpdate } from "log-update";
import prettyMilliseconds from "pretty-ms";

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
  /** Work with a known amount: `done` of `total`. */
  working(what: string, done: number, total: number): void;
  close(): void;
}

/** The live display on a terminal, plain lines elsewhere, JSON lines if asked for. */
export function createReporter({ json }: { readonly json: boolean }): Reporter {
  if (json) return jsonReporter();
  // A terminal that says it has no rows leaves no room to draw in.
  return process.stdout.isTTY && process.stdout.rows > 0 ? liveReporter() : plainReporter();
}

function jsonReporter(): Reporter {
  const line = (value: object) => process.stdout.write(`${JSON.stringify(value)}\n`);
  return {
    note: (event, text, fields) => line({ event, text, ...fields }),
    training: everySeconds(0.5, (progress) => line({ event: "progress", ...progress })),
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
    working: everySeconds(
      5,
      withTimeLeft((work) => console.log(`${percent(work.done / work.total)} · ${describeWork(work)}`)),
    ),
    close() {},
  };
}

function liveReporter(): Reporter {
  const display = createLogUpdate(process.stdout, { showCursor: true });
  return {
    note(_, text) {
      display.clear();
      console.log(text);
    },
    training: everySeconds(0.1, (progress) => display(`${bar(progress.progress)} ${describe(progress)}`)),
    working: everySeconds(
      0.1,
      withTimeLeft((work) => display(`${bar(work.done / work.total)} ${describeWork(work)}`)),
    ),
    close: () => display.clear(),
  };
}

function describe({
  progress,
  stepCount,
  totalSteps,
  elapsedSeconds,
  loss,
  recall,
  samplesPerSecond,
}: TrainingProgress): string {
  const steps = totalSteps === null ? `step ${stepCount}` : `step ${stepCount}/${totalSteps}`;
  const left = progress > 0 ? (elapsedSeconds * (1 - progress)) / progress : null;
  const found = recall === null ? "" : ` · recall ${recall.toFixed(3)}`;
  return `${percent(progress)} · ${steps} · loss ${loss.toPrecision(4)}${found} · ${Math.round(samplesPerSecond)} samples/s${timeLeft(left)}`;
}

const BAR_WIDTH = 24;

function bar(share: number): string {
  const filled = Math.round(Math.min(1, share) * BAR_WIDTH);
  return `${"█".repeat(filled)}${"░".repeat(BAR_WIDTH - filled)}`;
}

function percent(share: number): string {
  return `${Math.floor(share * 100)} %`.padStart(5);
}

function timeLeft(seconds: number | null): string {
  return seconds === null ? "" : ` · ${duration(seconds)} left`;
}

export function duration(seconds: number): string {
  return prettyMilliseconds(Math.round(seconds) * 1000);
}

/** "12,000 of 60,000" */
export function amount(done: number, total: number): string {
  return `${done.toLocaleString("en")} of ${total.toLocaleString("en")}`;
}

interface Work {
  readonly what: string;
  readonly done: number;
  readonly total: number;
  /** Judged by the pace since the work was first heard of; null: too early to say. */
  readonly secondsLeft: number | null;
}

function describeWork({ what, done, total, secondsLeft }: Work): string {
  return `${what}: ${amount(done, total)}${timeLeft(secondsLeft)}`;
}

function withTimeLeft(act: (work: Work) => void): Reporter["working"] {
  let begun = { what: "", done: 0, at: 0 };
  return (what, done, total) => {
    const now = performance.now();
    if (what !== begun.what) begun = { what, done, at: now };
    const secondsLeft =
      done > begun.done ? ((now - begun.at) / 1000) * ((total - done) / (done - begun.done)) : null;
    act({ what, done, total, secondsLeft });
  };
}

/** Calls through at most once in the interval; the first call always. */
export function everySeconds<Args extends unknown[]>(
  seconds: number,
  act: (...args: Args) => void,
): (...args: Args) => void {
  let last = Number.NEGATIVE_INFINITY;
  return (...args) => {
    const now = performance.now();
    if (now - last < seconds * 1000) return;
    last = now;
    act(...args);
  };
}
