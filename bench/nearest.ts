/**
 * `npm run bench -- nearest`: /nearest on more images than an isolate has room for, by an index of principal directions with
 * rows read from static assets: its processor time, its first request and its memory. The peer holds all images, in twice an
 * isolate's memory.
 */

import { mkdtemp, rm } from "node:fs/promises";
import { Agent } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type LocalServer, type ServeOptions, startServer } from "../cli/workerd.ts";
import type { Dataset } from "../trainer/data/dataset.ts";
import { glyphs } from "../trainer/data/glyphs.ts";
import { scanRows } from "../trainer/data/scan-rows.ts";
import { createOnnxEngine } from "../trainer/engine/onnx-engine.ts";
import { writeBundle } from "../trainer/export/bundle.ts";
import { calibrate } from "../trainer/export/calibrate.ts";
import { indexRows, type RowIndex } from "../trainer/export/row-index.ts";
import { cpuMsPerRequest, send } from "./http-load.ts";
import { freeAddress, isolateMemory } from "./isolate-memory.ts";
import { type Benchmark, type BenchmarkRow, interquartileRange, median } from "./row.ts";

const CPU = "edge/nearest-200000x784-cpu-ms";
const COLD = "edge/nearest-200000x784-cold-ms";
const MEMORY = "edge/nearest-200000x784-isolate-mb";
const PEER = "all images in memory";
const SIZES = { full: 200_000, quick: 4000 };
const ROUNDS = 5;
const COLD_STARTS = 5;
const REQUESTS = 60;
/** After which nothing is compiled any more. */
const WARM_UP = 300;
/** In which V8 collects all garbage some times. */
const MEMORY_REQUESTS = 7000;
const MEMORY_LOOK = 10;
/** More than any of the bundles takes: the limit is what is measured. */
const NO_LIMIT = { MODEL_MEMORY_MIB: "1000" };

export const benchNearest: Benchmark = async (report, { wants, quick }) => {
  if (![CPU, COLD, MEMORY].some(wants)) return [];
  const folder = await mkdtemp(join(tmpdir(), "imle-nearest-bench-"));
  const agent = new Agent({ keepAlive: true });
  const servers: LocalServer[] = [];
  try {
    const train = quick ? SIZES.quick : SIZES.full;
    report(`nearest: drawing ${train.toLocaleString("en")} images and indexing them`);
    const data = glyphs.create(1, { train, heldOut: 500, test: 0 });
    const { recall, indexBytes } = await writeBundles(folder, data);
    const inspector = await freeAddress();
    const start = (name: string, options: Partial<ServeOptions> = {}) =>
      startServer({ bundles: [join(folder, name)], variables: NO_LIMIT, ...options });
    const cold: number[][] = [[], []];
    for (let round = 0; round < (quick ? 1 : COLD_STARTS); round++) {
      report(`nearest: first request, round ${round + 1}`);
      for (const [i, name] of ["indexed", "scanned"].entries()) {
        const server = await start(name);
        const from = performance.now();
        await nearestRequests(server.url, data, agent)();
        cold[i]!.push(performance.now() - from);
        await server.close();
      }
    }
    servers.push(await start("indexed", { inspector }), await start("scanned"));
    const asks = servers.map(({ url }) => nearestRequests(url, data, agent));
    for (let i = 0; i < (quick ? 5 : WARM_UP); i++) for (const ask of asks) await ask();
    const values: number[][] = [[], []];
    for (let round = 0; round < (quick ? 1 : ROUNDS); round++) {
      report(`nearest: processor time, round ${round + 1}`);
      for (const [i, ask] of asks.entries()) {
        const value = await cpuMsPerRequest(servers[i]!.pid, REQUESTS, ask);
        if (value !== null) values[i]!.push(value);
      }
    }
    const [ours = [], peers = []] = values;
    if (ours.length === 0) {
      report(`nearest: ${CPU} needs Linux's /proc; left out`);
      return [];
    }
    report("nearest: memory");
    const heap = await isolateMemory(inspector);
    let most = 0;
    for (let i = 0; i < (quick ? 20 : MEMORY_REQUESTS); i++) {
      await asks[0]!();
      if (i % MEMORY_LOOK === 0) most = Math.max(most, await heap.heapBytes());
    }
    heap.close();
    return [
      { ...compared(CPU, ours, peers), recall },
      compared(COLD, cold[0]!, cold[1]!),
      {
        name: MEMORY,
        value: (most + indexBytes) / 1e6,
        unit: "MB",
        spread: 0,
        peer: null,
        peerValue: null,
        ratio: null,
      },
    ];
  } finally {
    agent.destroy();
    await Promise.all(servers.map((server) => server.close()));
    await rm(folder, { recursive: true, force: true });
  }
};

function compared(name: string, values: readonly number[], peerValues: readonly number[]): BenchmarkRow {
  const [value, peerValue] = [median(values), median(peerValues)];
  const spread = interquartileRange(values);
  return { name, value, unit: "ms", spread, peer: PEER, peerValue, ratio: peerValue / value };
}

/** One bundle with an index and one without; returns the index's recall, and what it takes in WebAssembly's memory. */
async function writeBundles(
  folder: string,
  { train, heldOut, shape }: Dataset,
): Promise<{ recall: number; indexBytes: number }> {
  const scan = scanRows(train, shape);
  const engine = createOnnxEngine();
  const indexed = (await indexRows(engine, "principal", train, shape, heldOut, scan, () => {}))!;
  await engine.dispose();
  const write = async (name: string, search: typeof indexed.search, index: RowIndex | null) =>
    writeBundle(join(folder, name), {
      name,
      latentSize: 4,
      layers: [{ kind: "dense", units: train.length, activation: "sigmoid" }],
      weights: {
        "dense0/kernel": new Float32Array(4 * train.length),
        "dense0/bias": new Float32Array(train.length),
      },
      output: { kind: "image", shape: [28, 28, 1], range: [0, 1] },
      labels: null,
      training: { objective: "none", engine: "none", seed: 1, steps: 0, config: {} },
      dataset: { name: "glyphs", trainCount: train.count, heldOutCount: heldOut.count, testCount: 0 },
      metrics: {},
      train,
      calibration: await calibrate(search, train, heldOut, 0.01, () => {}),
      // What they are doesn't matter here; left out, every request would search once more.
      siblings: new Float32Array(train.count),
      index,
      preview: new Uint8Array(1),
      report: "",
    });
  await write("indexed", indexed.search, indexed.index);
  await write("scanned", scan, null);
  return { recall: indexed.index.recall.at1, indexBytes: indexed.search.memoryBytes };
}

function nearestRequests(url: string, { heldOut }: Dataset, agent: Agent): () => Promise<void> {
  const headers = { "content-type": "application/json" };
  const bodies = Array.from({ length: heldOut.count }, (_, i) =>
    JSON.stringify({
      pixels: Array.from(heldOut.values.subarray(i * heldOut.length, (i + 1) * heldOut.length)),
    }),
  );
  let asked = 0;
  return () => send(`${url}/nearest`, { method: "POST", agent, headers }, bodies[asked++ % bodies.length]!);
}
