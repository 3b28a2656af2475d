/** How far a run is, in words, and not told more often than it can be read. */

import prettyMilliseconds from "pretty-ms";
import type { Reporter, TrainingProgress } from "./reporter.ts";

/** One line that tells all. */
export function describe(training: TrainingProgress): string {
  const { progress, loss, recall, samplesPerSecond } = training;
  const found = recall === null ? "" : ` · recall ${recall.toFixed(3)}`;
  return `${percent(progress)} · ${describeSteps(training)} · loss ${loss.toPrecision(4)}${found} · ${Math.round(samplesPerSecond)} samples/s${timeLeft(secondsLeft(training))}`;
}

function describeSteps({ stepCount, totalSteps }: TrainingProgress): string {
  return totalSteps === null ? `step ${stepCount}` : `step ${stepCount}/${totalSteps}`;
}

/** Null: too early to say. */
function secondsLeft({ progress, elapsedSeconds }: TrainingProgress): number | null {
  return progress > 0 ? (elapsedSeconds * (1 - progress)) / progress : null;
}

export function percent(share: number): string {
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

export function describeWork({ what, done, total, secondsLeft }: Work): string {
  return `${what}: ${amount(done, total)}${timeLeft(secondsLeft)}`;
}

export function withTimeLeft(act: (work: Work) => void): Reporter["working"] {
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
