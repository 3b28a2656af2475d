/**
 * `npm run bench -- sample`: 20,000 samples of the generators of `bench -- train`, as a pool is drawn: forward
 * only, in blocks.
 */

import { availableParallelism } from "node:os";
import { createRandom } from "../shared/random.ts";
import type { Engine } from "../trainer/engine/engine.ts";
import { createOnnxEngine } from "../trainer/engine/onnx-engine.ts";
import { createSampler } from "../trainer/generators/sampler.ts";
import { type BenchModel, CONV, forwardProducts, generatorFor, LATENT_SIZE, MLP } from "./models.ts";
import { prepareProducts } from "./products.ts";
import { startPytorch } from "./pytorch.ts";
import { type Benchmark, type BenchmarkRow, lineOf } from "./row.ts";
import { startTfjs } from "./tfjs.ts";
import { type Contestant, takeTurns, timeCalls } from "./turns.ts";

const COUNT = 20_000;
const BLOCK_ROWS = 512;
const ROUNDS = 7;
const ADAM = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0, averageDecay: 0.999 }; // nothing is trained

interface SampleCase {
  readonly name: string;
  readonly model: BenchModel;
  readonly threads: number;
  readonly peers: readonly Contestant[];
  readonly rounds: number;
}

export const benchSample: Benchmark = async (report, { wants, quick }) => {
  const rows: BenchmarkRow[] = [];
  const rounds = quick ? 1 : ROUNDS;
  const all = availableParallelism();
  for (const threads of new Set([all, 1])) {
    const suffix = threads === 1 ? "-1-thread" : "";
    const cases = [
      { name: `sample/mlp-${COUNT}${suffix}`, model: MLP },
      { name: `sample/conv-${COUNT}${suffix}`, model: CONV },
    ].filter(({ name }) => wants(name));
    if (cases.length === 0) continue;
    const pytorch = await startPytorch(threads, report);
    for (const { name, model } of cases) {
      report(`${name} …`);
      const peers = pytorch.contestants("sample", model, COUNT);
      rows.push(await contest({ name, model, threads, peers, rounds }));
      report(lineOf(rows.at(-1)!));
    }
    await pytorch.close();
  }
  const tfjs = `sample/mlp-${COUNT}-tfjs`;
  if (wants(tfjs)) {
    report(`${tfjs} …`);
    const peers = [await startTfjs("sample", COUNT)];
    rows.push(await contest({ name: tfjs, model: MLP, threads: all, peers, rounds }));
    report(lineOf(rows.at(-1)!));
  }
  return rows;
};

async function contest({ name, model, threads, peers, rounds }: SampleCase): Promise<BenchmarkRow> {
  const engine = createOnnxEngine({ threads });
  const generator = generatorFor(model);
  const random = createRandom(1);
  const parameters = await engine.createParameters(generator.initialParameters(random.fork("weights")), ADAM);
  const sampler = createSampler(engine, generator, { parameters, use: "weights" });
  const latents = random.fillNormal(new Float32Array(COUNT * LATENT_SIZE));
  const row = await takeTurns({
    name,
    unit: "ms",
    ours: { label: engine.description, time: (count) => timeCalls(count, () => sampler.sample(latents)) },
    peers,
    ceiling: await prepareCeiling(engine, model),
    rounds,
    count: 1,
    warmUp: 1,
  });
  await engine.dispose();
  return row;
}

/** The products of one block, as many times as there are blocks. */
async function prepareCeiling(engine: Engine, model: BenchModel): Promise<Contestant> {
  const block = await prepareProducts(engine, forwardProducts(model, BLOCK_ROWS));
  return {
    ...block,
    time: async (count) => (await block.time(count)).map((ms) => (ms * COUNT) / BLOCK_ROWS),
  };
}
