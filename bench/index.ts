import { benchData } from "./data.ts";
import { benchEdge } from "./edge.ts";
import type { Benchmark } from "./row.ts";
import { benchTrain } from "./train.ts";

/** Every benchmark, by the name that `npm run bench` takes. */
export const BENCHMARKS: Readonly<Record<string, Benchmark>> = {
  train: benchTrain,
  edge: benchEdge,
  data: benchData,
};
