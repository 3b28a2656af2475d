/**
 * `npm run bench -- search`: the nearest of 20,000 samples for each of 2,000 MNIST images, by our searchers and by
 * others'; how it grows with the pool and with the length of an example; and the authors' own task.
 */

import { availableParallelism } from "node:os";
import { l2Of } from "../trainer/distances/squared-l2.ts";
import type { Engine } from "../trainer/engine/engine.ts";
import { createOnnxEngine } from "../trainer/engine/onnx-engine.ts";
import { chooseSearcher } from "../trainer/search/index.ts";
import { pointsInMemory } from "../trainer/search/searcher.ts";
import { AUTHORS_TASK_ROWS, benchAuthorsTask } from "./authors-task.ts";
import { prepareProducts } from "./products.ts";
import { type Benchmark, type BenchmarkRow, lineOf } from "./row.ts";
import { createSubjects, type SearchTask, type TaskSize } from "./search-data.ts";
import { hnswlibSearch, type PythonSearches, startPythonSearches, tfjsSearch } from "./search-peers.ts";
import { type Contestant, takeTurns, timeCalls } from "./turns.ts";

const NAME = "search/2000x20000x784";
const ROUNDS = 7;
const MEMORY_BYTES = 256 * 2 ** 20;

interface SearchCase extends TaskSize {
  readonly name: string;
  /** As a configuration names it. */
  readonly searcher: string;
  readonly against: "pytorch" | "faiss" | "hnswlib" | "tfjs";
}

const MAIN: SearchCase = {
  name: NAME,
  data: "digits",
  queries: 2_000,
  points: 20_000,
  side: 28,
  searcher: "pruned",
  against: "pytorch",
};
const CASES: readonly SearchCase[] = [
  MAIN,
  { ...MAIN, name: `${NAME}-brute-force`, searcher: "exact" },
  { ...MAIN, name: `${NAME}-projection`, searcher: "projection" },
];
/** Of noise the bound rules nothing out. */
const MORE: readonly SearchCase[] = [
  { ...MAIN, name: `${NAME}-noise`, data: "noise" },
  { ...MAIN, name: `${NAME}-faiss`, against: "faiss" },
  { ...MAIN, name: `${NAME}-hnswlib`, against: "hnswlib" },
  { ...MAIN, name: `${NAME}-tfjs`, against: "tfjs" },
];
const GROWTH: readonly SearchCase[] = [
  ...[5_000, 20_000, 80_000].map((points) => ({
    ...MAIN,
    name: `search/pool-${points}`,
    points,
    searcher: "auto",
  })),
  ...[8, 16, 32].map((side) => ({
    ...MAIN,
    name: `search/length-${3 * side ** 2}`,
    data: "pictures" as const,
    side,
    searcher: "auto",
  })),
];

export const benchSearch: Benchmark = async (report, options) => {
  const { wants, quick } = options;
  const all = availableParallelism();
  const subjects = createSubjects(options, report);
  const rounds = quick ? 1 : ROUNDS;
  const rows: BenchmarkRow[] = [];
  for (const [threads, cases] of [
    [all, [...CASES, ...MORE, ...GROWTH]],
    [1, CASES.map((each) => ({ ...each, name: `${each.name}-1-thread` }))],
  ] as const) {
    const wanted = cases.filter(({ name }) => wants(name));
    if (wanted.length === 0) continue;
    const python = await startPythonSearches(threads, report);
    for (const each of wanted) {
      report(`${each.name} …`);
      const task = await subjects.task(each);
      if (!task) continue;
      rows.push(await contest(each, task, { threads, rounds, python }));
      report(lineOf(rows.at(-1)!));
    }
    await python.close();
  }
  if (AUTHORS_TASK_ROWS.some(wants)) {
    const pictures = await subjects.pictures();
    if (pictures) rows.push(...(await benchAuthorsTask(pictures, { quick, report })));
  }
  return rows;
};

async function contest(
  { name, searcher, against }: SearchCase,
  task: SearchTask,
  { threads, rounds, python }: { threads: number; rounds: number; python: PythonSearches },
): Promise<BenchmarkRow> {
  const engine = createOnnxEngine({ threads });
  const ours = prepareSearch(engine, task, searcher);
  const peers = {
    pytorch: () => python.pytorch(task),
    faiss: () => python.faiss(task),
    hnswlib: async () => [await hnswlibSearch(engine, task)],
    tfjs: async () => [await tfjsSearch(task)],
  };
  // These take seconds to minutes, and are slower many times over.
  const isSlow = against === "hnswlib" || against === "tfjs";
  const row = await takeTurns({
    name,
    unit: "ms",
    ours,
    peers: await peers[against](),
    ceiling: await prepareCeiling(engine, task),
    rounds: isSlow ? 1 : rounds,
    count: 1,
    warmUp: 1,
  });
  const recall = ours.recall();
  await engine.dispose();
  return { ...row, ...(recall !== undefined && { recall }) };
}

function prepareSearch(
  engine: Engine,
  { queries, points, length }: SearchTask,
  name: string,
): Contestant & { recall(): number | undefined } {
  const distance = l2Of(length);
  const searcher = chooseSearcher(name, { engine, distance, length });
  const search = searcher.prepare(engine, { distance, length, memoryBytes: MEMORY_BYTES });
  let recall: number | undefined;
  return {
    label: searcher.name,
    time: (count) =>
      timeCalls(count, async () => {
        ({ recall } = await search.nearest(queries, pointsInMemory(points, length)));
      }),
    recall: () => recall,
  };
}

const BLOCK = { queries: 1_000, points: 2_000 };

/** Every query times every point: the products of one block, as many times as there are blocks. */
async function prepareCeiling(engine: Engine, { queries, points, length }: SearchTask): Promise<Contestant> {
  const block = await prepareProducts(engine, [[BLOCK.queries, length, BLOCK.points]]);
  const blocks = (queries.length / length / BLOCK.queries) * (points.length / length / BLOCK.points);
  return { ...block, time: async (count) => (await block.time(count)).map((ms) => ms * blocks) };
}
