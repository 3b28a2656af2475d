/** A run on a terminal: a bar with the time left, curves of the loss and of match distance, and samples where it draws. */

import { styleText } from "node:util";
import { createLogUpdate } from "log-update";
import { describe, describeWork, everySeconds, withTimeLeft } from "./progress-text.ts";
import type { Reporter, TrainingProgress } from "./reporter.ts";
import { createHistory, sparkline } from "./sparkline.ts";
import { terminalPicture } from "./terminal-picture.ts";

const CURVE_WIDTH = 48;

export function terminalReporter(): Reporter {
  const display = createLogUpdate(process.stdout, { showCursor: true });
  const losses = createHistory(CURVE_WIDTH);
  const distances: number[] = [];
  const print = (text: string) => {
    display.clear();
    process.stdout.write(`${text}\n`);
  };

  function draw(progress: TrainingProgress): void {
    const lines = [
      `${bar(progress.progress)} ${describe(progress)}`,
      curve("loss", losses.values()),
      curve("match distance", distances),
    ];
    // Narrow terminals would wrap a curve, low ones scroll it away.
    const fits = process.stdout.columns > CURVE_WIDTH + 32 && process.stdout.rows > lines.length + 2;
    display((fits ? lines : lines.slice(0, 1)).filter((line) => line !== "").join("\n"));
  }
  const drawNowAndThen = everySeconds(0.1, draw);

  return {
    note: (_, text) => print(text),
    training(progress) {
      losses.add(progress.loss);
      drawNowAndThen(progress);
    },
    observed({ matchDistance, picture, stepCount }) {
      distances.push(matchDistance.p50);
      const drawn = terminalPicture(picture);
      if (drawn !== "") print(`samples at step ${stepCount}\n${drawn}`);
    },
    working: everySeconds(
      0.1,
      withTimeLeft((work) => display(`${bar(work.done / work.total)} ${describeWork(work)}`)),
    ),
    close: () => display.clear(),
  };
}

const BAR_WIDTH = 24;

function bar(share: number): string {
  const filled = Math.round(Math.min(1, share) * BAR_WIDTH);
  return `${"█".repeat(filled)}${"░".repeat(BAR_WIDTH - filled)}`;
}

/** Empty before there is anything to compare. `styleText` leaves colours out where NO_COLOR asks for it. */
function curve(name: string, values: readonly number[]): string {
  if (values.length < 2) return "";
  const line = styleText("cyan", sparkline(values.slice(-CURVE_WIDTH)), { stream: process.stdout });
  const text = (value: number) => value.toPrecision(3);
  return `${name.padStart(14)} ${text(values[0]!)} ${line} ${text(values.at(-1)!)}`;
}
