/**
 * The search that IMLE's authors report: 8,000 CIFAR-10 queries among 200,000 generated samples of 3,072 numbers.
 * Theirs is approximate and took 8.01 s to build the index and 1.31 s to query on a six-core CPU (the authors' reply
 * to their reviewers, 2018).
 */

import { resolveConfig } from "../trainer/config.ts";
import type { TaskRequest, TaskResult } from "./authors-task-process.ts";
import { inProcess } from "./in-process.ts";
import { type BenchmarkRow, interquartileRange, lineOf, median } from "./row.ts";
import { type Subject, someExamples } from "./search-data.ts";

const QUERIES = 8_000;
const POOL = 200_000;
const NAME = `search/${QUERIES}x${POOL}x3072`;
const PUBLISHED = { peer: "DCI, six cores, approximate (published)", peerValue: 9.32 };
const ROUNDS = 3;

export const AUTHORS_TASK_ROWS = [NAME, `${NAME}-exact`, `${NAME}-with-sampling`] as const;

export async function benchAuthorsTask(
  pictures: Subject,
  { quick, report }: { quick: boolean; report: (line: string) => void },
): Promise<BenchmarkRow[]> {
  const request = {
    queries: someExamples(pictures, QUERIES),
    generator: pictures.generator,
    poolSize: POOL,
    length: pictures.dataset.train.length,
    searchMemoryBytes: resolveConfig("cifar10").objective.searchMemoryMiB * 2 ** 20,
  };
  const rows: BenchmarkRow[] = [];
  const done = (row: BenchmarkRow) => {
    rows.push(row);
    report(lineOf(row));
  };
  report(`${NAME}: all samples in memory …`);
  const [projection, exact] = await search({
    ...request,
    pool: "memory",
    searchers: ["projection", "pruned"],
    rounds: quick ? 1 : ROUNDS,
  });
  const recallOf = ({ indices }: TaskResult) =>
    indices.filter((index, i) => index === exact!.indices[i]).length / QUERIES;
  done({ ...rowOf(NAME, projection!), ...against(projection!), recall: recallOf(projection!) });
  done({ ...rowOf(`${NAME}-exact`, exact!), ...against(exact!) });
  report(`${NAME}: samples made while they are searched …`);
  const [sampled] = await search({ ...request, pool: "sampled", searchers: ["projection"], rounds: 1 });
  done({ ...rowOf(`${NAME}-with-sampling`, sampled!), recall: recallOf(sampled!) });
  return rows;
}

const search = (request: TaskRequest) =>
  inProcess<TaskRequest, TaskResult[]>(new URL("authors-task-process.ts", import.meta.url), request);

function rowOf(name: string, { seconds, peakMemoryBytes }: TaskResult): BenchmarkRow {
  return {
    name,
    value: median(seconds),
    unit: "s",
    spread: interquartileRange(seconds),
    peer: null,
    peerValue: null,
    ratio: null,
    ...(peakMemoryBytes !== null && { peakMemoryBytes }),
  };
}

const against = ({ seconds }: TaskResult) => ({
  ...PUBLISHED,
  ratio: PUBLISHED.peerValue / median(seconds),
});
