/**
 * `train/mnist-to-320-nats`: the `mnist-imle` preset from its first step until MNIST's test examples have a Parzen
 * log-likelihood of 320 nats, against the same algorithm in PyTorch.
 *
 * Both have the same number of steps before them, so that their learning rates fall alike, and take turns: five
 * hundred steps of ours, five hundred of the peer's. Samples of both are measured by the same code, with the clock
 * stopped.
 */

import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { type Config, resolveConfig } from "../trainer/config.ts";
import type { Dataset } from "../trainer/data/dataset.ts";
import { loadDataset } from "../trainer/data/index.ts";
import type { Engine } from "../trainer/engine/engine.ts";
import { createOnnxEngine } from "../trainer/engine/onnx-engine.ts";
import { evaluate } from "../trainer/evaluate.ts";
import { startPython } from "./python.ts";
import { pytorchLabel, WAIT_POLICIES } from "./pytorch.ts";
import type { Benchmark, BenchmarkRow } from "./row.ts";
import { startTraining } from "./training.ts";

const NAME = "train/mnist-to-320-nats";
const TARGET_NATS = 320;
/** About what the preset takes in its minutes here. */
const STEPS = 20_000;
const STEPS_A_TURN = 500;
/** A round of the preset: one match and what follows from it. */
const TRIAL_STEPS = 78;
const SEED = 1;

/** One of the two that race. */
interface Runner {
  readonly label: string;
  /** Trains on; the seconds that it took. */
  advance(steps: number): Promise<number>;
  /** [DEFAULT_SAMPLE_COUNT, 784], in 0 … 1. */
  samples(): Promise<Float32Array<ArrayBuffer>>;
  close(): Promise<void>;
}

export const benchMnist: Benchmark = async (report, { wants, mnist }) => {
  if (!wants(NAME)) return [];
  if (mnist === null) {
    report(`${NAME}: left out, because it needs MNIST. Give its folder with --data.`);
    return [];
  }
  const config = resolveConfig("mnist-imle", { dataPath: mnist, seed: SEED, budget: { steps: STEPS } });
  const dataset = await loadDataset({ path: mnist, seed: SEED });
  const engine = createOnnxEngine();
  const ours = await startTraining(engine, config, dataset);
  const peer = await startPeer(config, dataset);
  if (!peer) report(`${NAME}: PyTorch is not installed, so it is no peer.`);
  try {
    const runners = peer ? [ours, peer] : [ours];
    const races = await race(runners, (samples) => parzenNats(engine, dataset, samples), report);
    const [mine, theirs = null] = races;
    return [
      {
        name: NAME,
        value: mine!,
        unit: "s",
        spread: 0,
        peer: peer?.label ?? null,
        peerValue: theirs,
        ratio: theirs === null ? null : theirs / mine!,
      },
      ...sharesOf(ours.spent()),
    ];
  } finally {
    await peer?.close();
    await ours.close();
    await engine.dispose();
  }
};

/** The seconds of training that each runner needed, interpolated between the two measurements around the target. */
async function race(
  runners: readonly Runner[],
  measure: (samples: Float32Array<ArrayBuffer>) => Promise<number>,
  report: (line: string) => void,
): Promise<number[]> {
  const states = runners.map(() => ({
    seconds: 0,
    nats: Number.NEGATIVE_INFINITY,
    crossed: null as number | null,
  }));
  for (let step = STEPS_A_TURN; step <= STEPS; step += STEPS_A_TURN) {
    for (const [i, runner] of runners.entries()) {
      const before = states[i]!;
      if (before.crossed !== null) continue;
      const seconds = before.seconds + (await runner.advance(STEPS_A_TURN));
      const nats = await measure(await runner.samples());
      report(`${NAME}: ${runner.label}: step ${step}, ${seconds.toFixed(1)} s, ${nats.toFixed(1)} nats`);
      const share = (TARGET_NATS - before.nats) / (nats - before.nats);
      const crossed =
        nats < TARGET_NATS
          ? null
          : before.seconds === 0
            ? seconds
            : before.seconds + share * (seconds - before.seconds);
      states[i] = { seconds, nats, crossed };
    }
  }
  return states.map(({ crossed, nats }, i) => {
    if (crossed === null) {
      throw new Error(`${NAME}: ${runners[i]!.label} reached ${nats.toFixed(1)} nats in ${STEPS} steps`);
    }
    return crossed;
  });
}

async function parzenNats(
  engine: Engine,
  dataset: Dataset,
  samples: Float32Array<ArrayBuffer>,
): Promise<number> {
  const figures = await evaluate({
    engine,
    dataset,
    seed: SEED,
    metrics: ["parzen"],
    sample: async () => samples,
  });
  return figures["parzenNats"]!;
}

/** Which part of a training took how much of its time. */
function sharesOf(spent: Readonly<Record<string, number>>): BenchmarkRow[] {
  const total = Object.values(spent).reduce((sum, seconds) => sum + seconds, 0);
  return Object.entries(spent).map(([part, seconds]) => ({
    name: `train/mnist-share-${part}`,
    value: (100 * seconds) / total,
    unit: "% of the time",
    spread: 0,
    peer: null,
    peerValue: null,
    ratio: null,
  }));
}

/** PyTorch, with the wait policy that takes it through a first round faster; null: it isn't installed. */
async function startPeer(config: Config, dataset: Dataset): Promise<Runner | null> {
  const folder = await mkdtemp(join(tmpdir(), "imle-edge-bench-"));
  const rows = join(folder, "rows.u8");
  const samples = join(folder, "samples.f32");
  await writeFile(rows, dataset.train.values);
  const { generator, objective, optimiser, seed } = config;
  const settings = JSON.stringify({ ...generator, ...objective, ...optimiser, seed, steps: STEPS, rows });
  const threads = availableParallelism();
  const start = async (waitPolicy: string | undefined): Promise<Runner | null> => {
    const peer = await startPython("pytorch_imle.py", [String(threads), settings], { threads, waitPolicy });
    if (!peer) return null;
    const { version } = peer.greeting as { version: string };
    return {
      label: pytorchLabel(version, waitPolicy),
      advance: async (steps) => (await peer.ask(`${steps} ${samples}`)) as number,
      async samples() {
        const bytes = new Uint8Array(await readFile(samples));
        return new Float32Array(bytes.buffer);
      },
      close: () => peer.close(),
    };
  };

  const trials: { waitPolicy: string | undefined; seconds: number }[] = [];
  for (const waitPolicy of WAIT_POLICIES) {
    const peer = await start(waitPolicy);
    if (!peer) break;
    trials.push({ waitPolicy, seconds: await peer.advance(TRIAL_STEPS) });
    await peer.close();
  }
  const [best] = trials.sort((a, b) => a.seconds - b.seconds);
  const peer = best ? await start(best.waitPolicy) : null;
  const clean = () => rm(folder, { recursive: true });
  if (!peer) await clean();
  return peer && { ...peer, close: () => peer.close().then(clean) };
}
