import { exact } from "./exact.ts";
import { hnsw } from "./hnsw.ts";
import { projectionSearcher } from "./projection.ts";
import { withMeasuredRecall } from "./recall.ts";
import type { Searcher } from "./searcher.ts";

const WORTHWHILE_PAIRS = 2 ** 24;

/** Every searcher, by the name that a configuration uses. */
export const SEARCHERS: Readonly<Record<string, Searcher>> = byName([
  exact,
  projectionSearcher({ name: "pruned", width: 128, alignment: 1, worthwhilePairs: WORTHWHILE_PAIRS }),
  withMeasuredRecall(
    projectionSearcher({ name: "projection", width: 64, alignment: 0.5, worthwhilePairs: WORTHWHILE_PAIRS }),
  ),
  withMeasuredRecall(hnsw),
]);

function byName(searchers: readonly Searcher[]): Record<string, Searcher> {
  return Object.fromEntries(searchers.map((searcher) => [searcher.name, searcher]));
}
