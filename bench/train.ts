/**
 * `npm run bench -- train`: one optimisation step, of an MLP, 64 → 1200 → 1200 → 784, and of transposed
 * convolutions, 64 → 7×7×64 → 14×14×32 → 28×28×1; how it grows with the MLP's width and with the batch; and the
 * whole algorithm, until MNIST's test examples have a given likelihood.
 */

import { availableParallelism } from "node:os";
import { createRandom } from "../shared/random.ts";
import { mean, square, subtract } from "../trainer/autodiff/operators.ts";
import { input } from "../trainer/autodiff/tensor.ts";
import type { Engine } from "../trainer/engine/engine.ts";
import { createOnnxEngine } from "../trainer/engine/onnx-engine.ts";
import { benchMnist } from "./mnist.ts";
import { type BenchModel, CONV, generatorFor, LATENT_SIZE, MLP, stepProducts } from "./models.ts";
import { prepareProducts } from "./products.ts";
import { startPytorch } from "./pytorch.ts";
import { type Benchmark, type BenchmarkRow, lineOf } from "./row.ts";
import { startTfjs } from "./tfjs.ts";
import { type Contestant, takeTurns, timeCalls } from "./turns.ts";

const ADAM = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0, averageDecay: 0.999 };
const ROUNDS = 7;
const TFJS = "train/mlp-b128-tfjs";

interface StepCase {
  readonly name: string;
  readonly model: BenchModel;
  readonly batch: number;
  /** Steps a round. */
  readonly count: number;
}

const CASES: readonly StepCase[] = [
  { name: "train/mlp-b128", model: MLP, batch: 128, count: 30 },
  { name: "train/mlp-b1024", model: MLP, batch: 1024, count: 8 },
  { name: "train/conv-b128", model: CONV, batch: 128, count: 30 },
];
const GROWTH: readonly StepCase[] = [
  ...[256, 512, 1024, 2048, 4096].map((width) => ({
    name: `train/mlp-width-${width}`,
    model: { ...MLP, width },
    batch: 128,
    count: Math.max(3, 4096 / width),
  })),
  ...[32, 64, 256, 512, 2048, 4096].map((batch) => ({
    name: `train/mlp-batch-${batch}`,
    model: MLP,
    batch,
    count: Math.max(2, 1024 / batch),
  })),
];

export const benchTrain: Benchmark = async (report, options) => {
  const { wants, quick } = options;
  const all = availableParallelism();
  const oneThread = CASES.map((each) => ({ ...each, name: `${each.name}-1-thread` }));
  const steps = (cases: readonly StepCase[], threads: number) => {
    const wanted = cases.filter(({ name }) => wants(name));
    return benchSteps(quick ? wanted.map((each) => ({ ...each, count: 1 })) : wanted, {
      threads,
      rounds: quick ? 1 : ROUNDS,
      report,
    });
  };
  return [
    ...(await steps(CASES, all)),
    ...(await steps(oneThread, 1)),
    ...(await steps(GROWTH, all)),
    ...(wants(TFJS) ? [await benchTfjs(report, quick ? 1 : 3)] : []),
    ...(quick ? [] : await benchMnist(report, options)),
  ];
};

async function benchSteps(
  cases: readonly StepCase[],
  { threads, rounds, report }: { threads: number; rounds: number; report: (line: string) => void },
): Promise<BenchmarkRow[]> {
  if (cases.length === 0) return [];
  const pytorch = await startPytorch(threads, report);
  const rows: BenchmarkRow[] = [];
  for (const { name, model, batch, count } of cases) {
    report(`${name} …`);
    const engine = createOnnxEngine({ threads });
    const row = await takeTurns({
      name,
      unit: "ms/step",
      ours: await prepareStep(engine, model, batch),
      peers: pytorch.contestants("step", model, batch),
      ceiling: await prepareProducts(engine, stepProducts(model, batch)),
      rounds,
      count,
      warmUp: Math.min(3, count),
    });
    report(lineOf(row));
    rows.push(row);
    await engine.dispose();
  }
  await pytorch.close();
  return rows;
}

/** TF.js has one thread, but ours takes all: what a user gets. */
async function benchTfjs(report: (line: string) => void, rounds: number): Promise<BenchmarkRow> {
  report(`${TFJS} …`);
  const engine = createOnnxEngine();
  const row = await takeTurns({
    name: TFJS,
    unit: "ms/step",
    ours: await prepareStep(engine, MLP, 128),
    peers: [await startTfjs("step", 128)],
    rounds,
    count: rounds,
    warmUp: 1,
  });
  report(lineOf(row));
  await engine.dispose();
  return row;
}

async function prepareStep(engine: Engine, model: BenchModel, batch: number): Promise<Contestant> {
  const generator = generatorFor(model);
  const { outputSize } = generator;
  const random = createRandom(1);
  const parameters = await engine.createParameters(generator.initialParameters(random.fork("weights")), ADAM);
  const samples = generator.apply(input("latents", [batch, LATENT_SIZE]));
  const loss = mean(square(subtract(samples, input("targets", [batch, outputSize]))));
  const step = await engine.compileStep(loss, parameters);
  const feeds = {
    latents: random.fillNormal(new Float32Array(batch * LATENT_SIZE)),
    targets: Float32Array.from({ length: batch * outputSize }, () => random.uniform()),
  };
  return {
    label: engine.description,
    time: (count) => timeCalls(count, () => step.run([{ feeds, learningRate: 1e-3 }])),
  };
}
