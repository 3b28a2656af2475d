import { benchData } from "./data.ts";
import { benchEdge } from "./edge.ts";
import type { Benchmark } from "./row.ts";
import { benchSample } from "./sample.ts";
import { benchTrain } from "./train.ts";
import { benchVerdict } from "./verdict.ts";

/** Every benchmark, by the name that `npm run bench` takes. */
export const BENCHMARKS: Readonly<Record<string, Benchmark>> = {
  train: benchTrain,
  sample: benchSample,
  edge: benchEdge,
  verdict: benchVerdict,
  data: benchData,
};
