/** What `bench -- search` compares with; every peer has the same queries and points. */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { startPython } from "./python.ts";
import { pytorchLabel, WAIT_POLICIES } from "./pytorch.ts";
import { useTfjsWasm } from "./tfjs.ts";
import { type Contestant, timeCalls } from "./turns.ts";

export interface SearchTask {
  /** [n, length] */
  readonly queries: Float32Array<ArrayBuffer>;
  /** [m, length] */
  readonly points: Float32Array<ArrayBuffer>;
  readonly length: number;
}

export interface PythonSearches {
  /** The task's files stay until the peers are closed. */
  contestantsFor(task: SearchTask): Promise<{ pytorch: Contestant[]; faiss: Contestant[] }>;
  close(): Promise<void>;
}

/** PyTorch and faiss, each in every way in which it may be at its best; none where they aren't installed. */
export async function startPythonSearches(
  threads: number,
  report: (line: string) => void,
): Promise<PythonSearches> {
  const folder = await mkdtemp(join(tmpdir(), "imle-search-bench-"));
  const peers: { ask(line: string): Promise<unknown>; close(): Promise<void>; torch: string; faiss: string }[] =
    [];
  for (const waitPolicy of WAIT_POLICIES) {
    const peer = await startPython("search.py", [String(threads)], { threads, waitPolicy });
    if (!peer) break;
    const versions = peer.greeting as { torch: string; faiss: string | null };
    peers.push({
      ...peer,
      torch: pytorchLabel(versions.torch, waitPolicy),
      faiss: versions.faiss === null ? "" : `faiss ${versions.faiss}, IndexFlatL2`,
    });
  }
  if (peers.length === 0) {
    report("PyTorch is not installed, so it is no peer. Debian: python3-torch and libopenblas0-pthread.");
  }
  if (!peers.some(({ faiss }) => faiss)) report("faiss is not installed, so it is no peer. Debian: python3-faiss.");
  let tasks = 0;
  return {
    async contestantsFor({ queries, points, length }) {
      const files = ["queries", "points"].map((name) => join(folder, `${name}${tasks}.f32`));
      tasks++;
      await writeFile(files[0]!, queries);
      await writeFile(files[1]!, points);
      const contestant = (peer: (typeof peers)[number], way: string, label: string): Contestant => ({
        label,
        time: async (count) => (await peer.ask([way, ...files, length, count].join(" "))) as number[],
      });
      return {
        pytorch: peers.flatMap((peer) =>
          ["gemm", "cdist"].map((way) => contestant(peer, way, `${peer.torch}, ${way}`)),
        ),
        faiss: peers.filter(({ faiss }) => faiss).map((peer) => contestant(peer, "faiss", peer.faiss)),
      };
    },
    async close() {
      for (const peer of peers) await peer.close();
      await rm(folder, { recursive: true });
    },
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
