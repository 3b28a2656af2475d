/** A run outlives its disk: what can't be written is left out, and said. */

import type { Reporter } from "./reporter.ts";
import type { RunFolder } from "./run-folder.ts";

/**
 * The folder, whose writing doesn't fail any more where the system refuses: a full disk, one that is read-only, a
 * folder that was removed. A warning tells what isn't written and why, and again when the reason changes or is over.
 */
export function withstandDiskFaults(folder: RunFolder, reporter: Reporter): RunFolder {
  const failing = new Map<string, string>();

  async function attempt<T>(what: string, write: () => Promise<T>): Promise<T | null> {
    try {
      const result = await write();
      if (failing.delete(what)) reporter.note("warning", `${what}: written again`, { what, code: null });
      return result;
    } catch (error) {
      const { code, syscall, message } = error as NodeJS.ErrnoException;
      if (!code || !syscall) throw error;
      if (failing.get(what) !== code) {
        failing.set(what, code);
        reporter.note(
          "warning",
          `warning: ${what} can't be written to ${folder.path} (${message}); training goes on, what was written before stays. ` +
            "Make room or make it writable, and writing goes on too.",
          { what, code },
        );
      }
      return null;
    }
  }

  return {
    ...folder,
    record: async (entry) => void (await attempt("metrics", () => folder.record(entry))),
    saveCheckpoint: (checkpoint) => attempt("checkpoints", () => folder.saveCheckpoint(checkpoint)),
    conclude: async (report, results) =>
      void (await attempt("the report", () => folder.conclude(report, results))),
    observe: async (observation) => void (await attempt("samples", () => folder.observe(observation))),
  };
}
