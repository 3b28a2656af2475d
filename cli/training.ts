/** A training run in the foreground: progress on the terminal, Ctrl-C ends it with a checkpoint. */

import { basename, join, resolve } from "node:path";
import type { Config } from "../trainer/config.ts";
import type { Checkpoint } from "../trainer/run/checkpoint.ts";
import { createReporter, reportToAll } from "../trainer/run/reporter.ts";
import type { RunFolder } from "../trainer/run/run-folder.ts";
import { type TrainOutcome, train } from "../trainer/train.ts";
import { EXIT_INTERRUPTED } from "./command.ts";
import { serveLivePage } from "./live-page.ts";
import { openBrowser } from "./open-browser.ts";

export interface TrainingStart {
  readonly config: Config;
  /** The run to go on with, and where it was; a new one if left out. */
  readonly folder?: RunFolder;
  readonly checkpoint?: Checkpoint | undefined;
  readonly leftOut?: readonly string[];
}

/** Where a bundle goes if nobody says. */
export const defaultOut = ({ preset }: Config) => join("models", preset);

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Trains and exports to `out`; when interrupted, sets the exit status and says how to go on, if training had begun. */
export async function runTraining(
  start: TrainingStart,
  out: string,
  { json, open = false }: { readonly json: boolean; readonly open?: boolean },
): Promise<Pick<TrainOutcome, "interrupted">> {
  const told = createReporter({ json });
  const page = open ? await serveLivePage(basename(resolve(out))) : null;
  if (page) {
    told.note("page", `live page: ${page.url}`, { url: page.url });
    openBrowser(page.url);
  }
  const reporter = page ? reportToAll([told, page.reporter]) : told;
  const interruption = new AbortController();
  const interrupt = () => {
    // A second Ctrl-C doesn't wait for the step to end.
    if (interruption.signal.aborted) process.exit(EXIT_INTERRUPTED);
    interruption.abort();
  };
  for (const signal of SIGNALS) process.on(signal, interrupt);
  try {
    const outcome = await train({ ...start, out, reporter, signal: interruption.signal });
    if (outcome.interrupted) {
      const { path } = outcome.folder;
      const elsewhere = out === defaultOut(start.config) ? "" : ` --out ${out}`;
      reporter.note("interrupted", `interrupted; go on with: npm run train -- --resume ${path}${elsewhere}`, {
        run: path,
      });
      process.exitCode = EXIT_INTERRUPTED;
    }
    return outcome;
  } catch (error) {
    if (error !== interruption.signal.reason) throw error;
    reporter.note("interrupted", "interrupted before training began");
    process.exitCode = EXIT_INTERRUPTED;
    return { interrupted: true };
  } finally {
    reporter.close();
    await page?.close();
    for (const signal of SIGNALS) process.off(signal, interrupt);
  }
}
