/** Probes that may crash or hang, because they load a GPU's driver: each runs in a process of its own. */

import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Availability } from "./kind.ts";

/** A driver that takes longer to come up is of no use to `--engine auto`. */
const TIME_LIMIT_MS = 10_000;

export interface ProbeRequest {
  /** A module that calls `reportAvailability` once. */
  readonly script: URL;
  readonly arguments?: readonly string[];
  /** What to do if the process crashes or hangs. */
  readonly remedy: string;
  readonly timeLimitMs?: number;
}

/** Runs the script and waits for what it reports; its crash and its silence are reasons like any other. */
export function probeInProcess(request: ProbeRequest): Promise<Availability> {
  const { script, arguments: args = [], remedy, timeLimitMs = TIME_LIMIT_MS } = request;
  return new Promise((resolve) => {
    const child = fork(fileURLToPath(script), args, {
      execArgv: [],
      stdio: ["ignore", "ignore", "ignore", "ipc"],
    });
    const settle = (found: Availability) => {
      clearTimeout(timer);
      resolve(found);
      child.kill("SIGKILL"); // some drivers hang at exit
    };
    const fail = (reason: string) => settle({ works: false, reason, remedy });
    const timer = setTimeout(() => fail(`its driver didn't answer in ${timeLimitMs / 1000} s`), timeLimitMs);
    child.once("message", (found) => settle(found as Availability));
    child.once("error", (error) => fail(`it can't be probed (${error.message})`));
    child.once("exit", (code, signal) => fail(`its driver crashed (${signal ?? `exit status ${code}`})`));
  });
}

/** In the script: tells the process that asked, which then ends this one. */
export function reportAvailability(found: Availability): void {
  // Staying until then: a message that is on its way when its process ends may be lost.
  process.once("disconnect", () => process.exit());
  process.send!(found);
}
