/**
 * `npm run bench -- edge --only load`: 100,000 mixed requests by 64 connections to raw workerd, how many answers were
 * wrong, and what workerd takes of memory meanwhile; then 30,000 with faults.
 */

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startServer } from "../cli/workerd.ts";
import { writeRandomBundle } from "./edge-bundles.ts";
import { loadWithFaults } from "./load-with-faults.ts";
import { differs, mixedRequests, referenceAnswers, sendMixed } from "./mixed-load.ts";
import { MLP } from "./models.ts";
import type { BenchmarkOptions, BenchmarkRow } from "./row.ts";

const CONCURRENCY = 64;
/** After how many requests memory is looked at; the last is the end. */
const MEASURED_AFTER = [10_000, 50_000, 100_000];
const FAULTY_REQUESTS_PER_PHASE = 5_000;
const QUICK_SHARE = 0.01;

type Report = (line: string) => void;

export async function benchEdgeLoad(
  report: Report,
  { wants, quick }: BenchmarkOptions,
): Promise<BenchmarkRow[]> {
  const folder = await mkdtemp(join(tmpdir(), "imle-edge-load-"));
  const share = quick ? QUICK_SHARE : 1;
  try {
    return [
      ...(wants("edge/load-memory") || wants("edge/load-wrong-answers")
        ? await calmLoad(folder, share, report)
        : []),
      ...(wants("edge/load-wrong-answers-with-faults") ? [await faultyLoad(folder, share, report)] : []),
    ];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function calmLoad(folder: string, share: number, report: Report): Promise<BenchmarkRow[]> {
  report("edge load: writing a bundle of 60,000 training examples");
  const bundle = join(folder, "mlp");
  await writeRandomBundle(bundle, { name: "mlp", model: MLP, seed: 1, dtype: "int8", trainCount: 60_000 });
  const server = await startServer({ bundles: [bundle] });
  const rows: BenchmarkRow[] = [];
  try {
    const requests = await mixedRequests();
    const answers = await referenceAnswers(server.url, requests);
    const measured = MEASURED_AFTER.map((after) => ({
      name: `edge/load-memory-after-${after}-mib`,
      at: after * share,
    }));
    const looks: Promise<void>[] = [];
    const wrong = await sendMixed({
      url: server.url,
      requests,
      count: measured.at(-1)!.at,
      concurrency: CONCURRENCY,
      seed: 1,
      complaint: (request, answer) => differs(request, answer, answers.get(request)!),
      onAnswer(answered) {
        const due = measured.find(({ at }) => at === answered);
        if (!due) return;
        report(`edge load: ${answered} requests`);
        looks.push(residentMiB(server.pid).then((mib) => void (mib && rows.push(row(due.name, mib, "MiB")))));
      },
    });
    await Promise.all(looks);
    wrong.slice(0, 10).forEach(report);
    return [...rows, row("edge/load-wrong-answers", wrong.length, "answers")];
  } finally {
    await server.close();
  }
}

async function faultyLoad(folder: string, share: number, report: Report): Promise<BenchmarkRow> {
  const bundles = { old: join(folder, "old"), new: join(folder, "new"), other: join(folder, "other") };
  const common = { model: { kind: "mlp", width: 128 }, dtype: "int8", trainCount: 2_000 } as const;
  await writeRandomBundle(bundles.old, { ...common, name: "mlp", seed: 1 });
  await writeRandomBundle(bundles.new, { ...common, name: "mlp", seed: 2 });
  await writeRandomBundle(bundles.other, { ...common, name: "other", seed: 3 });
  const phases = await loadWithFaults({
    bundles,
    otherName: "other",
    requestsPerPhase: FAULTY_REQUESTS_PER_PHASE * share,
    concurrency: CONCURRENCY,
    report: (line) => report(`edge ${line}`),
  });
  const wrong = Object.entries(phases).flatMap(([phase, lines]) => lines.map((line) => `${phase}: ${line}`));
  wrong.slice(0, 10).forEach(report);
  return row("edge/load-wrong-answers-with-faults", wrong.length, "answers");
}

/** Of a process, or null where /proc doesn't tell (anywhere but Linux). */
async function residentMiB(pid: number): Promise<number | null> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  return kibibytes === undefined ? null : Number(kibibytes) / 1024;
}

function row(name: string, value: number, unit: string): BenchmarkRow {
  return { name, value, unit, spread: 0, peer: null, peerValue: null, ratio: null };
}
