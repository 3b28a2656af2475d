/**
 * `npm run bench -- edge`: what requests cost in raw workerd. The peers are a bare Hono "hello", and the same Worker
 * with its generator on TF.js.
 */

import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { Agent } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkBundles, writeAssets } from "../cli/assets.ts";
import { type LocalServer, startServer, startWorker } from "../cli/workerd.ts";
import { glyphs } from "../trainer/data/glyphs.ts";
import { type BenchBundles, writeBenchBundles } from "./edge-bundles.ts";
import { cpuMsPerRequest, requestsPerSecond, send } from "./http-load.ts";
import { type BenchmarkOptions, type BenchmarkRow, interquartileRange, median } from "./row.ts";

const ROUNDS = 5;
const LOAD_SECONDS = 2;
const COLD_STARTS = 7;
const WARM_UP = 50;

type Report = (line: string) => void;

export async function benchEdge(report: Report, options: BenchmarkOptions): Promise<BenchmarkRow[]> {
  const folder = await mkdtemp(join(tmpdir(), "imle-edge-bench-"));
  try {
    const withRows = options.wants(NEAREST);
    report(`edge: writing bundles${withRows ? ", one of 60,000 training examples" : ""}`);
    const bundles = await writeBenchBundles(folder, withRows);
    return [
      ...(await coldRequests(bundles.int8, report, options)),
      ...(await warmRequests(bundles, report, options)),
    ];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const COLD_ROWS = ["edge/cold-request-ms", "edge/bundle-gzip-bytes"] as const;

/** From a request to a Worker that has loaded nothing yet to its whole answer. */
async function coldRequests(bundle: string, report: Report, { wants, quick }: BenchmarkOptions) {
  if (!COLD_ROWS.some(wants)) return [];
  const times: number[] = [];
  let gzipBytes = 0; // of what every cold start loads
  const starts = quick ? 1 : COLD_STARTS;
  for (let i = 0; i < starts; i++) {
    report(`edge: cold request ${i + 1} of ${starts}`);
    const server = await startServer({ bundles: [bundle] });
    const start = performance.now();
    await send(`${server.url}/sample?seed=1`, {});
    times.push(performance.now() - start);
    gzipBytes = server.build.startGzipBytes;
    await server.close();
  }
  return [row(COLD_ROWS[0], times, "ms"), row(COLD_ROWS[1], [gzipBytes], "bytes")];
}

/** The servers that are asked, each in a workerd of its own. */
interface Servers {
  readonly int8: LocalServer;
  readonly float16: LocalServer;
  readonly float32: LocalServer;
  readonly hello: LocalServer;
  readonly tfjs: LocalServer;
}

type Ask = () => Promise<void>;

/** Rows of requests a second: the server that draws samples, and connections. The peer is the hello. */
const LOADS: readonly (readonly [name: string, server: keyof Servers, connections: number])[] = [
  ["edge/sample-c1", "int8", 1],
  ["edge/sample-c16", "int8", 16],
  ["edge/sample-c64", "int8", 64],
  ["edge/sample-c16-float16", "float16", 16],
  ["edge/sample-c16-float32", "float32", 16],
];

/** Rows of processor time: the server, samples a request, and requests a round. The peer is TF.js. */
const COSTS: readonly (readonly [name: string, server: keyof Servers, samples: number, count: number])[] = [
  ["edge/sample-n1-cpu-ms", "int8", 1, 400],
  ["edge/sample-n1-cpu-ms-float16", "float16", 1, 400],
  ["edge/sample-n1-cpu-ms-float32", "float32", 1, 400],
  ["edge/sample-n64-cpu-ms", "int8", 64, 60],
  ["edge/sample-n64-cpu-ms-float16", "float16", 64, 60],
  ["edge/sample-n64-cpu-ms-float32", "float32", 64, 60],
];

const NEAREST = "edge/nearest-60000x784-cpu-ms";

async function warmRequests(bundles: BenchBundles, report: Report, { wants, quick }: BenchmarkOptions) {
  const rounds = quick ? 1 : ROUNDS;
  const loads = LOADS.filter(([name]) => wants(name));
  const costs = COSTS.filter(([name]) => wants(name));
  if (loads.length + costs.length === 0 && !wants(NEAREST)) return [];
  const servers = await startServers(bundles);
  const agent = new Agent({ keepAlive: true });
  const sample = (server: keyof Servers, n: number) =>
    send(`${servers[server].url}/sample?n=${n}&seed=${n}`, { agent });
  const nearest = nearestRequests(servers.int8.url, agent);
  try {
    for (let i = 0; i < WARM_UP; i++) {
      for (const server of ["int8", "float16", "float32", "tfjs"] as const) {
        await sample(server, 1);
        await sample(server, 64);
      }
      if (wants(NEAREST)) await nearest();
    }
    const rows: BenchmarkRow[] = [];
    for (const [name, server, connections] of loads) {
      report(`edge: requests a second, ${name}`);
      const [values, peerValues]: [number[], number[]] = [[], []];
      for (let round = 0; round < rounds; round++) {
        // No seed: every request draws, and no cache can answer.
        values.push(await requestsPerSecond(`${servers[server].url}/sample`, LOAD_SECONDS, connections));
        peerValues.push(await requestsPerSecond(`${servers.hello.url}/`, LOAD_SECONDS, connections));
      }
      rows.push(compared(name, values, "requests/s", "bare Hono hello", peerValues));
    }
    for (const [name, server, samples, count] of costs) {
      report(`edge: processor time a request, ${name}`);
      const [values, peerValues] = await cpuRounds(rounds, count, [
        [servers[server], () => sample(server, samples)],
        [servers.tfjs, () => sample("tfjs", samples)],
      ]);
      if (!values || !peerValues) continue;
      const result = compared(name, values, "ms", "TF.js (wasm) in the same Worker", peerValues);
      rows.push({ ...result, ratio: 1 / result.ratio! }); // less is better
    }
    if (wants(NEAREST)) {
      const [values] = await cpuRounds(rounds, 100, [[servers.int8, nearest]]);
      if (values) rows.push(row(NEAREST, values, "ms"));
    }
    if (rows.length < loads.length + costs.length)
      report("edge: processor time needs Linux's /proc; left out");
    return rows;
  } finally {
    agent.destroy();
    await Promise.all(Object.values<LocalServer>({ ...servers }).map((server) => server.close()));
  }
}

async function startServers({ int8, float16, float32 }: BenchBundles): Promise<Servers> {
  // TF.js reads the same model.json whatever the weights are stored as.
  const plain = await checkBundles([float32]);
  return {
    int8: await startServer({ bundles: [int8] }),
    float16: await startServer({ bundles: [float16] }),
    float32: await startServer({ bundles: [float32] }),
    hello: await startWorker("bench/peers/hono-hello.ts", (assets) => mkdir(assets), {}),
    tfjs: await startWorker("bench/peers/tfjs-edge.ts", (assets) => writeAssets(assets, plain), {}),
  };
}

/** One after the other of 200 images that were not trained on. */
function nearestRequests(url: string, agent: Agent): Ask {
  const { heldOut } = glyphs.create(1, { train: 1, heldOut: 200, test: 0 });
  const bodies = Array.from({ length: heldOut.count }, (_, i) =>
    JSON.stringify({ pixels: Array.from(heldOut.values.subarray(784 * i, 784 * (i + 1))) }),
  );
  const headers = { "content-type": "application/json" };
  let asked = 0;
  return () => send(`${url}/nearest`, { method: "POST", agent, headers }, bodies[asked++ % bodies.length]!);
}

/** Takes turns; the values of each, or null where they can't be measured. */
async function cpuRounds(
  rounds: number,
  count: number,
  contestants: readonly (readonly [LocalServer, Ask])[],
): Promise<(number[] | null)[]> {
  const values: (number[] | null)[] = contestants.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, [{ pid }, ask]] of contestants.entries()) {
      const value = await cpuMsPerRequest(pid, count, ask);
      if (value === null) values[i] = null;
      else values[i]?.push(value);
    }
  }
  return values;
}

function row(name: string, values: readonly number[], unit: string): BenchmarkRow {
  const [value, spread] = [median(values), interquartileRange(values)];
  return { name, value, unit, spread, peer: null, peerValue: null, ratio: null };
}

function compared(
  name: string,
  values: readonly number[],
  unit: string,
  peer: string,
  peerValues: readonly number[],
): BenchmarkRow {
  const peerValue = median(peerValues);
  return { ...row(name, values, unit), peer, peerValue, ratio: median(values) / peerValue };
}
