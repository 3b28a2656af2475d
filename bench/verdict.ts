/**
 * `npm run bench -- verdict`: what the memorisation check finds. MNIST's first 50,000 images are the training set
 * and the 10,000 after them calibrate; then the share called a copy at alpha = 0.01 of altered copies, of fresh test
 * images and of samples. The peer is the ratio of plain pixel distances, calibrated on the same images. The rows
 * `verdict/indexed-…` check by the index of principal directions, as where the images don't fit in memory; their peer is the scan.
 */

import type { NeighbourSearch } from "../shared/neighbour-scan.ts";
import { pixelsToBytes } from "../shared/pixels.ts";
import { createRandom } from "../shared/random.ts";
import { STATISTICS, type StatisticName } from "../shared/statistic.ts";
import { conformalPValue, NEIGHBOURHOOD, verdictOf } from "../shared/verdict.ts";
import { resolveConfig } from "../trainer/config.ts";
import { type Dataset, type Rows, sliceRows, takeRows } from "../trainer/data/dataset.ts";
import { loadDataset } from "../trainer/data/index.ts";
import { scanRows } from "../trainer/data/scan-rows.ts";
import { createOnnxEngine } from "../trainer/engine/onnx-engine.ts";
import { scoreRows } from "../trainer/export/calibrate.ts";
import { indexRows } from "../trainer/export/row-index.ts";
import { ALTERATIONS, alteredCopies } from "./alterations.ts";
import { type Benchmark, type BenchmarkRow, interquartileRange, median } from "./row.ts";
import { startTraining } from "./training.ts";

const SEED = 1;
const ALPHA = 0.01;
const DUPLICATES = 0.05;
const OURS: StatisticName = "aligned-ratio";
const PEER: StatisticName = "neighbourhood-ratio";
const PEER_LABEL = "pixel distances";
const SCAN_LABEL = "all images in memory";

interface Size {
  /** Altered copies of each kind. */
  readonly copies: number;
  /** The preset `mnist-imle`'s first ones. */
  readonly steps: number;
  /** The most images of every part, and samples. */
  readonly rows: number;
}
const FULL: Size = { copies: 1000, steps: 4000, rows: Number.POSITIVE_INFINITY };
const QUICK: Size = { copies: 20, steps: 20, rows: 2000 };

/** A model that does nothing but learn 100 images by heart. */
const OVERFITTED_IMAGES = 100;
const OVERFITTED = ["objective.poolSize=2000", "objective.passes=20", "objective.latentJitter=0"];

const CPU_ROWS = 60_000;
const CPU_ROUNDS = 5;
const CPU_QUERIES = 100;

/** The share of rows, in percent, that are called copies. */
type Check = (rows: Rows) => Promise<number>;

export const benchVerdict: Benchmark = async (report, { wants, mnist, quick }) => {
  if (mnist === null) {
    report("verdict: left out, because it needs MNIST. Give its folder with --data.");
    return [];
  }
  const { copies, steps, rows: most } = quick ? QUICK : FULL;
  const data = atMost(await loadDataset({ path: mnist, seed: SEED }), most);
  const rows: BenchmarkRow[] = [];
  if (wants("verdict/cpu-ms")) rows.push(cpuRow(data));

  report(`verdict: training for ${steps} steps`);
  const samples = atMostRows(await trainAndSample(data, [], steps), most);
  const fewImages = { ...data, train: sliceRows(data.train, 0, OVERFITTED_IMAGES) };
  report(`verdict: learning ${OVERFITTED_IMAGES} images by heart`);
  const overfitted = atMostRows(await trainAndSample(fewImages, OVERFITTED, steps), most);

  const queriesOf = ({ train, shape }: Dataset): Queries => {
    const random = createRandom(SEED).fork("verdict");
    return {
      "false-positives": data.test!,
      "false-positives-samples": samples,
      ...Object.fromEntries(
        Object.keys(ALTERATIONS).map((name) => [name, alteredCopies(name, train, shape, copies, random)]),
      ),
    };
  };
  const duplicated = { ...data, train: withDuplicates(data.train) };
  rows.push(...(await compare("", data, queriesOf(data), report)));
  rows.push(...(await compare("-with-duplicates", duplicated, queriesOf(duplicated), report)));
  rows.push(...(await compareIndexed(data, queriesOf(data), report)));
  rows.push(...(await compare("", fewImages, { "overfitted-samples": overfitted }, report)));
  return rows;
};

type Queries = Readonly<Record<string, Rows>>;

/** One row for each set of queries. */
async function compare(
  suffix: string,
  data: Dataset,
  queries: Queries,
  report: (line: string) => void,
): Promise<BenchmarkRow[]> {
  report(`verdict: calibrating against ${data.train.count} training images${suffix}`);
  const scan = scanRows(data.train, data.shape);
  const ours = await createCheck(scan, OURS, NEIGHBOURHOOD, data.heldOut);
  const peer = await createCheck(scan, PEER, NEIGHBOURHOOD, data.heldOut);
  return compareChecks((name) => `verdict/${name}${suffix}`, queries, ours, peer, PEER_LABEL, report);
}

/** By the index, with the neighbourhood that it has; the peer is the scan. */
async function compareIndexed(
  { train, heldOut, shape }: Dataset,
  queries: Queries,
  report: (line: string) => void,
): Promise<BenchmarkRow[]> {
  report(`verdict: indexing ${train.count} training images`);
  const scan = scanRows(train, shape);
  const engine = createOnnxEngine();
  const { search } = (await indexRows(engine, "principal", train, shape, heldOut, scan, () => {}))!;
  await engine.dispose();
  const ours = await createCheck(search, OURS, search.alignedNeighbourhood, heldOut);
  const peer = await createCheck(scan, OURS, NEIGHBOURHOOD, heldOut);
  return compareChecks((name) => `verdict/indexed-${name}`, queries, ours, peer, SCAN_LABEL, report);
}

async function compareChecks(
  rowName: (queries: string) => string,
  queries: Queries,
  ours: Check,
  peer: Check,
  peerLabel: string,
  report: (line: string) => void,
): Promise<BenchmarkRow[]> {
  const rows: BenchmarkRow[] = [];
  for (const [queryName, query] of Object.entries(queries)) {
    const name = rowName(queryName);
    report(`${name} …`);
    const [value, peerValue] = [await ours(query), await peer(query)];
    const ratio = queryName.startsWith("false") ? peerValue / value : value / peerValue;
    rows.push({ name, value, unit: "%", spread: 0, peer: peerLabel, peerValue, ratio });
  }
  return rows;
}

async function createCheck(
  search: NeighbourSearch,
  statistic: StatisticName,
  neighbourhood: number,
  heldOut: Rows,
): Promise<Check> {
  const score = (rows: Rows) => scoreRows(search, statistic, neighbourhood, rows);
  const ascending = (await score(heldOut)).sort();
  return async (rows) => {
    const isCopy = (value: number) => verdictOf(conformalPValue(ascending, value), ALPHA) === "copy";
    return (100 * (await score(rows)).filter(isCopy).length) / rows.count;
  };
}

/** The last ones give way to the first ones. */
function withDuplicates(train: Rows): Rows {
  const originals = Math.round(train.count * (1 - DUPLICATES));
  return takeRows(
    train,
    Array.from({ length: train.count }, (_, i) => (i < originals ? i : i - originals)),
  );
}

function atMost({ train, heldOut, test, ...rest }: Dataset, rows: number): Dataset {
  return {
    ...rest,
    train: atMostRows(train, rows),
    heldOut: atMostRows(heldOut, rows),
    test: test && atMostRows(test, rows),
  };
}

function atMostRows(rows: Rows, most: number): Rows {
  return sliceRows(rows, 0, Math.min(rows.count, most));
}

async function trainAndSample(data: Dataset, set: readonly string[], steps: number): Promise<Rows> {
  const engine = createOnnxEngine();
  const config = resolveConfig("mnist-imle", { seed: SEED, budget: { steps }, set });
  const training = await startTraining(engine, config, data);
  await training.advance(steps);
  const values = pixelsToBytes(await training.samples());
  await training.close();
  await engine.dispose();
  const { length } = data.train;
  return { count: values.length / length, length, values, labels: null };
}

/** Processor time of one check as /nearest does it, its statistic and 5 neighbours; the peer reads whole rows. */
function cpuRow(data: Dataset): BenchmarkRow {
  const { length } = data.train;
  const values = new Uint8Array(CPU_ROWS * length);
  values.set(data.train.values);
  values.set(
    data.heldOut.values.subarray(0, values.length - data.train.values.length),
    data.train.values.length,
  );
  const rows: Rows = { count: CPU_ROWS, length, values, labels: null };
  const [ours, peer] = [scanRows(rows, data.shape), scanRows(rows, [length])];
  const queries = Array.from({ length: CPU_QUERIES }, (_, i) =>
    (data.test!.values as Uint8Array<ArrayBuffer>).subarray(i * length, (i + 1) * length),
  );
  const cpuMs = (check: (query: Uint8Array<ArrayBuffer>) => void) => {
    const start = process.cpuUsage();
    for (const query of queries) check(query);
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1000 / CPU_QUERIES;
  };
  const checkOurs = (query: Uint8Array<ArrayBuffer>) => {
    ours.search(query, 5);
    STATISTICS[OURS](ours, query, NEIGHBOURHOOD);
  };
  const checkPeer = (query: Uint8Array<ArrayBuffer>) => void STATISTICS[PEER](peer, query, NEIGHBOURHOOD);
  for (const check of [checkOurs, checkPeer]) cpuMs(check);
  const times = Array.from({ length: CPU_ROUNDS }, () => [cpuMs(checkOurs), cpuMs(checkPeer)] as const);
  const [own, theirs] = [times.map(([ms]) => ms), times.map(([, ms]) => ms)];
  return {
    name: "verdict/cpu-ms",
    value: median(own),
    unit: "ms",
    spread: interquartileRange(own),
    peer: PEER_LABEL,
    peerValue: median(theirs),
    ratio: median(theirs) / median(own),
  };
}
