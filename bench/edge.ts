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
import { createRandom } from "../shared/random.ts";
import { glyphs } from "../trainer/data/glyphs.ts";
import { scanRows } from "../trainer/data/scan-rows.ts";
import { writeBundle } from "../trainer/export/bundle.ts";
import { calibrate } from "../trainer/export/calibrate.ts";
import { siblingDistances } from "../trainer/export/siblings.ts";
import { layerParameters } from "../trainer/generators/layers.ts";
import { cpuMsPerRequest, requestsPerSecond, send } from "./http-load.ts";
import { type BenchmarkRow, interquartileRange, median } from "./row.ts";

const ROUNDS = 5;
const LOAD_SECONDS = 2;
const COLD_STARTS = 7;

export async function benchEdge(report: (line: string) => void): Promise<BenchmarkRow[]> {
  const folder = await mkdtemp(join(tmpdir(), "imle-edge-bench-"));
  try {
    const bundle = join(folder, "mlp");
    report("edge: drawing 60,000 glyphs and writing a bundle");
    await writeBenchBundle(bundle);
    return [...(await coldRequests(bundle, report)), ...(await warmRequests(bundle, report))];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The MLP of `train/mlp-b128` with random weights, and as many training examples as MNIST has. */
async function writeBenchBundle(directory: string): Promise<void> {
  const random = createRandom(1);
  const data = glyphs.create(1, { train: 60_000, heldOut: 200, test: 0 });
  const scan = scanRows(data.train, data.shape);
  const layers = [
    { kind: "dense" as const, units: 1200, activation: "relu" as const },
    { kind: "dense" as const, units: 1200, activation: "relu" as const },
    { kind: "dense" as const, units: 784, activation: "sigmoid" as const },
  ];
  const latentSize = 64;
  const weights = Object.fromEntries(
    layerParameters(layers, latentSize)
      .flatMap(({ kernel, bias }) => [kernel, bias])
      .map(({ name, shape }) => {
        const values = new Float32Array(shape.reduce((product, size) => product * size, 1));
        random.fillNormal(values);
        return [name, values.map((value) => value * Math.sqrt(2 / shape[0]!))];
      }),
  );
  await writeBundle(directory, {
    name: "mlp",
    latentSize,
    layers,
    weights,
    output: { kind: "image", shape: [28, 28, 1], range: [0, 1] },
    labels: data.labelNames,
    training: { objective: "none", engine: "none", seed: 1, steps: 0, config: {} },
    dataset: { name: "glyphs", trainCount: 60_000, heldOutCount: 200, testCount: 0 },
    metrics: {},
    train: data.train,
    calibration: await calibrate(scan, data.train, data.heldOut, 0.01, () => {}),
    siblings: await siblingDistances(scan, () => {}),
    index: null,
    preview: new Uint8Array(1),
    report: "",
  });
}

/** From a request to a Worker that has loaded nothing yet to its whole answer. */
async function coldRequests(bundle: string, report: (line: string) => void): Promise<BenchmarkRow[]> {
  const times: number[] = [];
  let gzipBytes = 0; // of what every cold start loads
  for (let i = 0; i < COLD_STARTS; i++) {
    report(`edge: cold request ${i + 1} of ${COLD_STARTS}`);
    const server = await startServer({ bundles: [bundle] });
    const start = performance.now();
    await send(`${server.url}/sample?seed=1`, {});
    times.push(performance.now() - start);
    gzipBytes = server.build.startGzipBytes;
    await server.close();
  }
  return [row("edge/cold-request-ms", times, "ms"), row("edge/bundle-gzip-bytes", [gzipBytes], "bytes")];
}

async function warmRequests(bundle: string, report: (line: string) => void): Promise<BenchmarkRow[]> {
  const server = await startServer({ bundles: [bundle] });
  const hello = await startWorker("bench/peers/hono-hello.ts", (assets) => mkdir(assets), {});
  const bundles = await checkBundles([bundle]);
  const tfjs = await startWorker("bench/peers/tfjs-edge.ts", (assets) => writeAssets(assets, bundles), {});
  const agent = new Agent({ keepAlive: true });
  const sample = (n: number, { url } = server) => send(`${url}/sample?n=${n}&seed=${n}`, { agent });
  const { heldOut } = glyphs.create(1, { train: 1, heldOut: 200, test: 0 });
  const bodies = Array.from({ length: heldOut.count }, (_, i) =>
    JSON.stringify({ pixels: Array.from(heldOut.values.subarray(784 * i, 784 * (i + 1))) }),
  );
  const headers = { "content-type": "application/json" };
  let asked = 0;
  const nearest = () =>
    send(`${server.url}/nearest`, { method: "POST", agent, headers }, bodies[asked++ % bodies.length]!);
  try {
    for (let i = 0; i < 50; i++) {
      await Promise.all([sample(1), sample(64), nearest(), sample(1, tfjs), sample(64, tfjs)]);
    }

    const ours: number[] = [];
    const peers: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      report(`edge: requests a second, round ${round + 1} of ${ROUNDS}`);
      // No seed: every request draws, and no cache can answer.
      ours.push(await requestsPerSecond(`${server.url}/sample`, LOAD_SECONDS));
      peers.push(await requestsPerSecond(`${hello.url}/`, LOAD_SECONDS));
    }
    const rows = [compared("edge/sample-c16", ours, "requests/s", "bare Hono hello", peers)];

    report("edge: processor time a request");
    for (const [name, count, request, peer] of [
      ["edge/sample-n1-cpu-ms", 400, () => sample(1), () => sample(1, tfjs)],
      ["edge/sample-n64-cpu-ms", 60, () => sample(64), () => sample(64, tfjs)],
      ["edge/nearest-60000x784-cpu-ms", 100, nearest, null],
    ] as const) {
      const values: number[] = [];
      const peerValues: number[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        values.push(...(await cpuRound(server, count, request)));
        if (peer) peerValues.push(...(await cpuRound(tfjs, count, peer)));
      }
      if (values.length === 0) report(`edge: ${name} needs Linux's /proc; left out`);
      else if (!peer) rows.push(row(name, values, "ms"));
      else {
        const result = compared(name, values, "ms", "TF.js (wasm) in the same Worker", peerValues);
        rows.push({ ...result, ratio: 1 / result.ratio! }); // less is better
      }
    }
    return rows;
  } finally {
    agent.destroy();
    await Promise.all([server.close(), hello.close(), tfjs.close()]);
  }
}

/** One value, or none where it can't be measured. */
async function cpuRound(
  { pid }: LocalServer,
  count: number,
  request: () => Promise<void>,
): Promise<number[]> {
  const value = await cpuMsPerRequest(pid, count, request);
  return value === null ? [] : [value];
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
