/**
 * `npm run bench -- train`: one optimisation step against PyTorch, of an MLP, 64 → 1200 → 1200 → 784, and of
 * transposed convolutions, 64 → 7×7×64 → 14×14×32 → 28×28×1.
 *
 * Ours and the peer's take turns in short rounds, so that a machine whose speed drifts slows both.
 */

import { availableParallelism } from "node:os";
import { createRandom } from "../shared/random.ts";
import { mean, square, subtract } from "../trainer/autodiff/operators.ts";
import { input } from "../trainer/autodiff/tensor.ts";
import { createOnnxEngine } from "../trainer/engine/onnx-engine.ts";
import { dcgan } from "../trainer/generators/dcgan.ts";
import type { Generator } from "../trainer/generators/generator.ts";
import { mlp } from "../trainer/generators/mlp.ts";
import { type StepModel, startPytorch } from "./pytorch.ts";
import { type Benchmark, type BenchmarkRow, interquartileRange, median } from "./row.ts";

const LATENT_SIZE = 64;
const OUTPUT_SHAPE = [28, 28, 1];
const OUTPUT_SIZE = 784;
const ADAM = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0, averageDecay: 0.999 };
const ROUNDS = 7;
const WARM_UP_STEPS = 5;
const CASES: readonly { model: StepModel; batch: number; steps: number }[] = [
  { model: "mlp", batch: 128, steps: 30 },
  { model: "mlp", batch: 1024, steps: 8 },
  { model: "conv", batch: 128, steps: 30 },
];

const REQUEST = {
  latentSize: LATENT_SIZE,
  activation: "relu",
  outputShape: OUTPUT_SHAPE,
  outputActivation: "sigmoid",
} as const;
const GENERATORS: Readonly<Record<StepModel, Generator>> = {
  mlp: mlp({ ...REQUEST, hidden: [1200, 1200], channels: [] }),
  conv: dcgan({ ...REQUEST, hidden: [], channels: [64, 32] }),
};

export const benchTrain: Benchmark = async (report) => {
  const rows: BenchmarkRow[] = [];
  for (const threads of new Set([availableParallelism(), 1])) {
    const peers = await startPytorch(threads);
    if (peers.length === 0)
      report(
        "PyTorch is not installed, so there is no peer. Debian: python3-torch and libopenblas0-pthread.",
      );
    for (const { model, batch, steps } of CASES) {
      const name = `train/${model}-b${batch}${threads === 1 ? "-1-thread" : ""}`;
      report(`${name} …`);
      const step = await prepareStep(GENERATORS[model], batch, threads);
      const times: number[] = [];
      const peerTimes = peers.map((): number[] => []);
      await step.time(WARM_UP_STEPS);
      for (const peer of peers) await peer.time(model, batch, WARM_UP_STEPS);
      for (let round = 0; round < ROUNDS; round++) {
        times.push(...(await step.time(steps)));
        for (const [i, peer] of peers.entries())
          peerTimes[i]!.push(...(await peer.time(model, batch, steps)));
      }
      await step.close();
      const medians = peerTimes.map(median);
      const best = medians.length > 0 ? Math.min(...medians) : null;
      rows.push({
        name,
        value: median(times),
        unit: "ms/step",
        spread: interquartileRange(times),
        peer: best === null ? null : peers[medians.indexOf(best)]!.label,
        peerValue: best,
        ratio: best === null ? null : best / median(times),
      });
    }
    for (const peer of peers) await peer.close();
  }
  return rows;
};

async function prepareStep(generator: Generator, batch: number, threads: number) {
  const engine = createOnnxEngine({ provider: "cpu", threads });
  const random = createRandom(1);
  const parameters = await engine.createParameters(generator.initialParameters(random.fork("weights")), ADAM);
  const samples = generator.apply(input("latents", [batch, LATENT_SIZE]));
  const loss = mean(square(subtract(samples, input("targets", [batch, OUTPUT_SIZE]))));
  const step = await engine.compileStep(loss, parameters);
  const feeds = {
    latents: random.fillNormal(new Float32Array(batch * LATENT_SIZE)),
    targets: Float32Array.from({ length: batch * OUTPUT_SIZE }, () => random.uniform()),
  };
  return {
    async time(steps: number): Promise<number[]> {
      const times: number[] = [];
      for (let i = 0; i < steps; i++) {
        const start = performance.now();
        await step.run([{ feeds, learningRate: 1e-3 }]);
        times.push(performance.now() - start);
      }
      return times;
    },
    close: () => engine.dispose(),
  };
}
