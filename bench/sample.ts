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
import type { Benchmark, BenchmarkRow } from "./row.ts";
import { startTfjs } from "./tfjs.ts";
import { type Contestant, takeTurns, timeCalls } from "./turns.ts";

const COUNT = 20_000;
const BLOCK_ROWS = 2000;
const ADAM = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0, averageDecay: 0.999 }; // nothing is trained

export const benchSample: Benchmark = async (report, { wants }) => {
  const rows: BenchmarkRow[] = [];
  for (const threads of new Set([availableParallelism(), 1])) {
    const suffix = threads === 1 ? "-1-thread" : "";
    const cases = [
      { name: `sample/mlp-${COUNT}${suffix}`, model: MLP },
      { name: `sample/conv-${COUNT}${suffix}`, model: CONV },
    ].filter(({ name }) => wants(name));
    if (cases.length === 0) continue;
    const pytorch = await startPytorch(threads, report);
    for (const { name, model } of cases) {
      rows.push(await contest(name, model, threads, pytorch.contestants("sample", model, COUNT), report));
    }
    await pytorch.close();
  }
  const tfjs = `sample/mlp-${COUNT}-tfjs`;
  if (wants(tfjs)) {
    rows.push(await contest(tfjs, MLP, availableParallelism(), [await startTfjs("sample", COUNT)], report));
  }
  return rows;
};

async function contest(
  name: string,
  model: BenchModel,
  threads: number,
  peers: readonly Contestant[],
  report: (line: string) => void,
): Promise<BenchmarkRow> {
  report(`${name} …`);
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
    rounds: 7,
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
