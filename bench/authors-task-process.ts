/** The process that `authors-task.ts` starts, so that its memory is that of the search and nothing else. */

import { readFileSync } from "node:fs";
import { l2Of } from "../trainer/distances/squared-l2.ts";
import type { Engine } from "../trainer/engine/engine.ts";
import { createOnnxEngine } from "../trainer/engine/onnx-engine.ts";
import { createSeededSampler, type FrozenGenerator } from "../trainer/generators/frozen.ts";
import { SEARCHERS } from "../trainer/search/index.ts";
import { type PointSource, pointsInMemory } from "../trainer/search/searcher.ts";

export interface TaskRequest {
  readonly queries: Float32Array<ArrayBuffer>;
  readonly generator: FrozenGenerator;
  readonly poolSize: number;
  readonly length: number;
  /** `memory`: all samples are there before the clock starts; `sampled`: they are made while they are searched. */
  readonly pool: "memory" | "sampled";
  readonly searchMemoryBytes: number;
  /** Each is timed so many times, one after the other. */
  readonly searchers: readonly string[];
  readonly rounds: number;
}

export interface TaskResult {
  readonly seconds: readonly number[];
  readonly indices: Int32Array<ArrayBuffer>;
  /** The most memory that the process has had so far; null where the system doesn't tell. */
  readonly peakMemoryBytes: number | null;
}

const SEED = 1;
const BLOCK_ROWS = 2000;

process.once("message", async (request: TaskRequest) => {
  const { queries, length, searchMemoryBytes, searchers, rounds } = request;
  const engine = createOnnxEngine();
  const points = await (request.pool === "memory" ? heldPool : sampledPool)(engine, request);
  const results: TaskResult[] = [];
  for (const name of searchers) {
    const seconds: number[] = [];
    let indices = new Int32Array(0);
    for (let round = 0; round < rounds; round++) {
      const start = performance.now();
      // From nothing: compiling and fitting count.
      const search = SEARCHERS[name]!.prepare(engine, {
        distance: l2Of(length),
        length,
        memoryBytes: searchMemoryBytes,
      });
      ({ indices } = await search.nearest(queries, points));
      seconds.push((performance.now() - start) / 1000);
      await search.dispose();
    }
    results.push({ seconds, indices, peakMemoryBytes: peakMemoryBytes() });
  }
  process.send!(results, () => process.disconnect());
});

async function sampledPool(engine: Engine, { generator, poolSize }: TaskRequest): Promise<PointSource> {
  const sampler = await createSeededSampler(engine, generator);
  return { count: poolSize, tile: (first, count) => sampler.sample(SEED, first, count) };
}

async function heldPool(engine: Engine, request: TaskRequest): Promise<PointSource> {
  const { poolSize, length } = request;
  const made = await sampledPool(engine, request);
  const values = new Float32Array(poolSize * length);
  for (let first = 0; first < poolSize; first += BLOCK_ROWS) {
    values.set(await made.tile(first, Math.min(BLOCK_ROWS, poolSize - first)), first * length);
  }
  return pointsInMemory(values, length);
}

function peakMemoryBytes(): number | null {
  if (process.platform !== "linux") return null;
  // What getrusage tells includes what the parent had when it started this process.
  const [, kibibytes] = /VmHWM:\s+(\d+) kB/.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
  return kibibytes === undefined ? null : Number(kibibytes) * 1024;
}
