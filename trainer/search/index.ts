import { exact } from "./exact.ts";
import { hnsw } from "./hnsw.ts";
import type { Searcher } from "./searcher.ts";

/** Every searcher, by the name that a configuration uses. */
export const SEARCHERS: Readonly<Record<string, Searcher>> = { exact, hnsw };
