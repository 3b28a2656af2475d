/** What `bench -- search` compares with; every peer has the same queries and points. */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { l2Of } from "../trainer/distances/squared-l2.ts";
import type { Engine } from "../trainer/engine/engine.ts";
import { exact } from "../trainer/search/exact.ts";
import { hnsw } from "../trainer/search/hnsw.ts";
import { pointsInMemory, type Search } from "../trainer/search/searcher.ts";
import { startPython } from "./python.ts";
import { pytorchLabel, WAIT_POLICIES } from "./pytorch.ts";
import type { SearchTask } from "./search-data.ts";
import { useTfjsWasm } from "./tfjs.ts";
import { type Contestant, timeCalls } from "./turns.ts";

/** PyTorch and faiss, each in every way in which it may be at its best; nobody where they aren't installed. */
export interface PythonSearches {
  pytorch(task: SearchTask): Promise<Contestant[]>;
  faiss(task: SearchTask): Promise<Contestant[]>;
  close(): Promise<void>;
}

const PYTORCH_WAYS = ["gemm", "cdist"];

export async function startPythonSearches(
  threads: number,
  report: (line: string) => void,
): Promise<PythonSearches> {
  const folder = await mkdtemp(join(tmpdir(), "imle-search-bench-"));
  const peers: {
    ask(line: string): Promise<unknown>;
    close(): Promise<void>;
    names: Record<string, string>;
  }[] = [];
  for (const waitPolicy of WAIT_POLICIES) {
    const peer = await startPython("search.py", [String(threads)], { threads, waitPolicy });
    if (!peer) break;
    const { torch, faiss } = peer.greeting as { torch: string; faiss: string | null };
    const names: Record<string, string> = {};
    for (const way of PYTORCH_WAYS) names[way] = `${pytorchLabel(torch, waitPolicy)}, ${way}`;
    if (faiss) names["faiss"] = `faiss ${faiss}, IndexFlatL2`;
    peers.push({ ...peer, names });
  }
  if (peers.length === 0) {
    report("PyTorch is not installed, so it is no peer. Debian: python3-torch and libopenblas0-pthread.");
  }
  if (!peers[0]?.names["faiss"]) report("faiss is not installed, so it is no peer. Debian: python3-faiss.");

  let written: { task: SearchTask; paths: string[] } | null = null;
  async function write(task: SearchTask): Promise<string[]> {
    if (written?.task === task) return written.paths;
    // New names, by which the peers know that the rows are new.
    const paths: string[] = [];
    for (const name of ["queries", "points"] as const) {
      paths.push(join(folder, `${name}-${performance.now()}.f32`));
      await writeFile(paths.at(-1)!, task[name]);
    }
    for (const path of written?.paths ?? []) await rm(path);
    written = { task, paths };
    return paths;
  }
  async function contestants(task: SearchTask, ways: readonly string[]): Promise<Contestant[]> {
    const paths = await write(task);
    return peers.flatMap(({ names, ask }) =>
      ways
        .filter((way) => names[way])
        .map((way) => ({
          label: names[way]!,
          time: async (count) => (await ask([way, ...paths, task.length, count].join(" "))) as number[],
        })),
    );
  }
  return {
    pytorch: (task) => contestants(task, PYTORCH_WAYS),
    faiss: (task) => contestants(task, ["faiss"]),
    async close() {
      for (const peer of peers) await peer.close();
      await rm(folder, { recursive: true });
    },
  };
}

/** hnswlib-node: the index is built, and searched once. */
export async function hnswlibSearch(
  engine: Engine,
  { queries, points, length }: SearchTask,
): Promise<Contestant> {
  const options = { distance: l2Of(length), length, memoryBytes: 2 ** 28 };
  const search = hnsw.prepare(engine, options);
  const nearest = async (searcher: Search) =>
    (await searcher.nearest(queries, pointsInMemory(points, length))).indices;
  const right = await nearest(exact.prepare(engine, options));
  let label = "hnswlib-node";
  return {
    get label() {
      return label;
    },
    time: (count) =>
      timeCalls(count, async () => {
        const found = await nearest(search);
        const recall = found.filter((index, i) => index === right[i]).length / found.length;
        label = `hnswlib-node, recall ${recall.toFixed(3)}`;
      }),
  };
}

const TILE_ROWS = 2000;

/** TF.js on its wasm backend: the same product, tile by tile. */
export async function tfjsSearch({ queries, points, length }: SearchTask): Promise<Contestant> {
  await useTfjsWasm();
  const tileOf = (first: number) => points.subarray(first * length, (first + TILE_ROWS) * length);
  const search = async () => {
    const x = tf.tensor2d(queries, [queries.length / length, length]);
    for (let first = 0; first < points.length / length; first += TILE_ROWS) {
      const [nearest, rank] = tf.tidy(() => {
        const tile = tf.tensor2d(tileOf(first), [tileOf(first).length / length, length]);
        const ranking = tf.sub(tf.sum(tf.square(tile), 1), tf.mul(tf.matMul(x, tile, false, true), 2));
        return [tf.argMin(ranking, 1), tf.min(ranking, 1)];
      });
      // What is left, to keep the nearer of two tiles, is nothing beside the product.
      for (const each of [nearest!, rank!]) {
        await each.data();
        each.dispose();
      }
    }
    x.dispose();
  };
  return { label: `TF.js ${tf.version_core}, wasm`, time: (count) => timeCalls(count, search) };
}
