import { benchData } from "./data.ts";
import { benchEdge } from "./edge.ts";
import { benchEdgeLoad } from "./edge-load.ts";
import { benchGpu } from "./gpu.ts";
import { benchMetrics } from "./metrics.ts";
import { benchNearest } from "./nearest.ts";
import { benchPaper } from "./paper/index.ts";
import { benchPlayground } from "./playground.ts";
import type { Benchmark } from "./row.ts";
import { benchSample } from "./sample.ts";
import { benchSearch } from "./search.ts";
import { benchTrain } from "./train.ts";
import { benchVerdict } from "./verdict.ts";

/** Every benchmark, by the name that `npm run bench` takes. */
export const BENCHMARKS: Readonly<Record<string, Benchmark>> = {
  train: benchTrain,
  sample: benchSample,
  search: benchSearch,
  edge: async (...asked) => [...(await benchEdge(...asked)), ...(await benchEdgeLoad(...asked))],
  nearest: benchNearest,
  playground: benchPlayground,
  verdict: benchVerdict,
  metrics: benchMetrics,
  gpu: benchGpu,
  data: benchData,
  paper: benchPaper,
};
