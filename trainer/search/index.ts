import type { Distance } from "../distances/distance.ts";
import type { Engine } from "../engine/engine.ts";
import { InputError } from "../input-error.ts";
import { exact } from "./exact.ts";
import { hnsw } from "./hnsw.ts";
import { projection, pruned } from "./projection.ts";
import { withMeasuredRecall } from "./recall.ts";
import type { Searcher } from "./searcher.ts";
import { tree } from "./tree.ts";

/** Every searcher, by the name that a configuration uses. */
export const SEARCHERS: Readonly<Record<string, Searcher>> = byName([
  exact,
  tree,
  pruned,
  withMeasuredRecall(projection),
  withMeasuredRecall(hnsw),
]);

/** Numbers in a point up to which a tree looks at few points. */
const NARROW = 4;
/** Numbers in a point from which `auto` projects; below, a projected point is hardly shorter. */
const WIDE = 256;
/** … and from which exactness costs more than it is worth. */
const VERY_WIDE = 1024;

/**
 * The searcher of this name; for `auto`, the fastest for points of this length.
 *
 * @throws InputError if it can't search by the distance
 */
export function chooseSearcher(
  name: string,
  { engine, distance, length }: { engine: Engine; distance: Distance; length: number },
): Searcher {
  if (name === "auto") {
    const searcher = SEARCHERS[fastestAt(length)]!;
    // A GPU is at its best when it compares everything with everything, and its bounds would have to travel.
    return engine.device === "gpu" || !searchesBy(searcher, distance) ? exact : searcher;
  }
  const searcher = SEARCHERS[name]!;
  if (!searchesBy(searcher, distance)) {
    throw new InputError(
      `config: searcher "${name}" supports ${[searcher.distances].flat().join(", ")}, got distance "${distance.name}". ` +
        `Use searcher "exact".`,
    );
  }
  return searcher;
}

function fastestAt(length: number): string {
  if (length <= NARROW) return tree.name;
  if (length < WIDE) return exact.name;
  return length < VERY_WIDE ? pruned.name : projection.name;
}

function searchesBy({ distances }: Searcher, { name }: Distance): boolean {
  return distances === "any" || distances.includes(name);
}

function byName(searchers: readonly Searcher[]): Record<string, Searcher> {
  return Object.fromEntries(searchers.map((searcher) => [searcher.name, searcher]));
}
