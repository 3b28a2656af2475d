/** When a run's checkpoints are written, and that they are good ones. */

import type { TrainingState } from "../objectives/objective.ts";
import type { Checkpoint } from "./checkpoint.ts";
import type { RunFolder } from "./run-folder.ts";

/**
 * A snapshot waits in memory until the next loss, which is that of its weights. Only if that is a number is
 * it written, so that a run that diverges leaves a checkpoint from before.
 */
export interface Checkpoints {
  /** Whether it is time for the next snapshot. */
  isDue(): boolean;
  /** Takes a snapshot in, in the place of one that waits. */
  offer(snapshot: Checkpoint): void;
  /** The loss that followed the last snapshot is a number: writes it, unless that is done. */
  confirm(): Promise<void>;
  /** What was written last; null: nothing yet. */
  lastGood(): { readonly path: string; readonly stepCount: number } | null;
}

export function createCheckpoints(folder: RunFolder, everySeconds: number): Checkpoints {
  let waiting: Checkpoint | null = null;
  let written: { path: string; stepCount: number } | null = null;
  let dueAt = performance.now() + everySeconds * 1000;
  return {
    isDue: () => performance.now() >= dueAt,
    offer(snapshot) {
      waiting = snapshot;
      dueAt = performance.now() + everySeconds * 1000;
    },
    async confirm() {
      if (!waiting) return;
      const { stepCount } = waiting;
      const path = await folder.saveCheckpoint(waiting);
      if (path !== null) written = { path, stepCount };
      waiting = null;
    },
    lastGood: () => written,
  };
}

/** Whether all weights, averages and moments are finite, and what else is in the arrays. */
export function holdsNumbers({ parameters, arrays }: TrainingState): boolean {
  const groups = Object.values(parameters).flatMap(({ stepCount: _, ...parts }) => Object.values(parts));
  return [...groups, arrays].every((group) =>
    Object.values(group).every((values) => values.every(Number.isFinite)),
  );
}
