/** Probes that may crash or hang, because they load a GPU's driver: each runs in a process of its own. */

import type { Availability } from "./kind.ts";
import { answer, askOwnProcess, type Question } from "./own-process.ts";

/** A driver that takes longer to come up is of no use to `--engine auto`. */
const TIME_LIMIT_MS = 20_000;

/** Its script calls `reportAvailability` once. */
export interface ProbeRequest extends Omit<Question, "timeLimitMs"> {
  /** What to do if the process crashes or hangs. */
  readonly remedy: string;
  readonly timeLimitMs?: number;
}

/** Runs the script and waits for what it reports; its crash and its silence are reasons like any other. */
export async function probeInProcess({ remedy, ...question }: ProbeRequest): Promise<Availability> {
  try {
    return await askOwnProcess<Availability>({ timeLimitMs: TIME_LIMIT_MS, ...question });
  } catch (error) {
    return { works: false, reason: (error as Error).message, remedy };
  }
}

/** In the script: tells the process that asked, which then ends this one. */
export function reportAvailability(found: Availability): void {
  answer(found);
}
