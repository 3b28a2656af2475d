/** Where samples are shown and one is chosen: a wall of pictures (wall.ts) or a scatter of points (scatter.ts). */

import type { Sample } from "./sources.ts";

export interface Gallery {
  readonly element: Element;
  /** Samples first … of all that are shown, in place of those that were there. */
  show(first: number, samples: readonly Sample[]): void;
  /** Drops what comes from sample `count` on. */
  truncate(count: number): void;
  /** Marks one as chosen; null: none. */
  press(index: number | null): void;
  /** Training examples that lie near the chosen one, where they can be shown. */
  showTraining(vectors: readonly (readonly number[])[]): void;
}

/** @param index which sample, counted from the first that is shown */
export type Choose = (index: number) => void;
