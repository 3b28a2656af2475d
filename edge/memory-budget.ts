/**
 * What an isolate keeps in memory: parts of models, loaded when first asked for. Where room is short, those go that
 * were not asked for the longest time, and that no request is using.
 */

import { Problem } from "./problem.ts";

export interface PartSpec<T> {
  /** For errors, say `the training examples of model "glyphs"`. */
  readonly what: string;
  /** What it takes once it is loaded. */
  readonly bytes: number;
  /** Whether a request may be using it. */
  readonly isInUse: () => boolean;
  readonly load: () => Promise<T>;
}

export interface Part<T> {
  /**
   * Loads at the first call and shares the result, concurrent callers included; a failure is not kept.
   *
   * @throws Problem model-unavailable while there is no room; what `load` throws
   */
  get(): Promise<T>;
  /** Whether it is in memory or on the way there. */
  readonly isKept: () => boolean;
  /** Gives its room back; the next `get` loads again. Whoever holds the result may go on using it. */
  drop(): void;
}

export interface MemoryBudget {
  part<T>(spec: PartSpec<T>): Part<T>;
  /** Bytes of all parts that are in memory or on the way. */
  usedBytes(): number;
}

/** @param limitBytes of all parts together */
export function createMemoryBudget(limitBytes: number): MemoryBudget {
  interface Kept {
    readonly bytes: number;
    readonly isInUse: () => boolean;
    drop(): void;
  }
  /** In the order of their last use. */
  const kept = new Set<Kept>();
  const usedBytes = () => [...kept].reduce((sum, { bytes }) => sum + bytes, 0);

  const makeRoom = (what: string, bytes: number) => {
    if (bytes > limitBytes) {
      throw new Problem(
        "model-unavailable",
        `${what}: take ${mebibytes(bytes)} in memory, more than MODEL_MEMORY_MIB (${mebibytes(limitBytes)}) allows; ` +
          "export the model with an index, or without its training examples",
      );
    }
    for (const other of kept) {
      if (usedBytes() + bytes <= limitBytes) return;
      if (!other.isInUse()) other.drop();
    }
    if (usedBytes() + bytes > limitBytes) {
      throw new Problem("model-unavailable", `${what}: no room in memory while other models are in use`, {
        "retry-after": "1",
      });
    }
  };

  return {
    usedBytes,
    part({ what, bytes, isInUse, load }) {
      let pending: ReturnType<typeof load> | null = null;
      const entry: Kept = {
        bytes,
        isInUse,
        drop() {
          kept.delete(entry);
          pending = null;
        },
      };
      return {
        async get() {
          if (!pending) {
            makeRoom(what, bytes);
            const loading = load().catch((error: unknown) => {
              if (pending === loading) entry.drop();
              throw error;
            });
            pending = loading;
          }
          const result = pending;
          kept.delete(entry);
          kept.add(entry);
          return result;
        },
        isKept: () => pending !== null,
        drop: () => entry.drop(),
      };
    },
  };
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
