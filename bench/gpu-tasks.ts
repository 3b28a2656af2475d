/** What is timed on a GPU, ours. */

import { createRandom } from "../shared/random.ts";
import { add, broadcastTo, matmul, mean, square, subtract, sum } from "../trainer/autodiff/operators.ts";
import { input, type Tensor } from "../trainer/autodiff/tensor.ts";
import { l2Of } from "../trainer/distances/squared-l2.ts";
import type { Engine } from "../trainer/engine/engine.ts";
import { parameterGradients } from "../trainer/engine/leaves.ts";
import { createSampler } from "../trainer/generators/sampler.ts";
import { exact } from "../trainer/search/exact.ts";
import { type BenchModel, generatorFor, LATENT_SIZE } from "./models.ts";
import { type Contestant, timeCalls } from "./turns.ts";

const ADAM = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0, averageDecay: 0.999 };
/** Products, or additions, one after the other: enough to hide that a run must be asked for. */
export const CHAIN = 16;

/** The generator on the engine, always with the same weights, and a batch. */
async function setUp(engine: Engine, model: BenchModel, batch: number) {
  const generator = generatorFor(model);
  const { outputSize } = generator;
  const random = createRandom(1);
  const parameters = await engine.createParameters(generator.initialParameters(random.fork("weights")), ADAM);
  const samples = generator.apply(input("latents", [batch, LATENT_SIZE]));
  const loss = mean(square(subtract(samples, input("targets", [batch, outputSize]))));
  const feeds = {
    latents: random.fillNormal(new Float32Array(batch * LATENT_SIZE)),
    targets: Float32Array.from({ length: batch * outputSize }, () => random.uniform()),
  };
  return { generator, parameters, loss, feeds };
}

/** Milliseconds a step, of as many at once as the engine takes best. */
export async function prepareSteps(engine: Engine, model: BenchModel, batch: number): Promise<Contestant> {
  const { parameters, loss, feeds } = await setUp(engine, model, batch);
  const step = await engine.compileStep(loss, parameters);
  const batches = Array.from({ length: step.unroll }, () => ({ feeds, learningRate: 1e-3 }));
  return {
    label: engine.description,
    time: async (count) => (await timeCalls(count, () => step.run(batches))).map((ms) => ms / batches.length),
  };
}

/** Samples that come back to the host. */
export async function prepareSampling(engine: Engine, model: BenchModel, count: number): Promise<Contestant> {
  const { generator, parameters } = await setUp(engine, model, 1);
  const sampler = createSampler(engine, generator, { parameters, use: "weights" });
  const latents = createRandom(2).fillNormal(new Float32Array(count * LATENT_SIZE));
  return { label: engine.description, time: (times) => timeCalls(times, () => sampler.sample(latents)) };
}

/** Points are made and searched where the engine computes; the nearest of every query comes back. */
export async function prepareSearch(
  engine: Engine,
  model: BenchModel,
  queryCount: number,
  count: number,
): Promise<Contestant> {
  const { generator, parameters } = await setUp(engine, model, 1);
  const { outputSize: length } = generator;
  const random = createRandom(3);
  const latents = random.fillNormal(new Float32Array(count * LATENT_SIZE));
  const queries = Float32Array.from({ length: queryCount * length }, () => random.uniform());
  const search = exact.prepare(engine, { distance: l2Of(length), length, memoryBytes: 2 ** 30 });
  const sampler = createSampler(engine, generator, { parameters, use: "weights" });
  const rowsOf = (first: number, rows: number) =>
    latents.subarray(first * LATENT_SIZE, (first + rows) * LATENT_SIZE);
  const points = {
    count,
    tile: (first: number, rows: number) => sampler.sample(rowsOf(first, rows)),
    made: {
      maker: {
        latentSize: LATENT_SIZE,
        apply: generator.apply,
        parameters: { parameters, use: "weights" as const },
      },
      latents: rowsOf,
    },
  };
  return {
    label: engine.description,
    time: (times) => timeCalls(times, () => search.nearest(queries, points)),
  };
}

/** The card's rate at n×n matrix products: `CHAIN` of them, of which one number comes back. */
export function prepareMatrix(engine: Engine, n: number): Promise<Contestant> {
  const x = broadcastTo(input("x", [1, 1]), [n, n]);
  return prepareChain(engine, x, 1 / n, (y) => matmul(y, x));
}

/** How fast it reads and writes: adds to `length` numbers, `CHAIN` times. */
export function prepareBandwidth(engine: Engine, length: number): Promise<Contestant> {
  return prepareChain(engine, broadcastTo(input("x", [1, 1]), [length / 1024, 1024]), 0, (y) => add(y, 1));
}

async function prepareChain(
  engine: Engine,
  start: Tensor,
  value: number,
  link: (y: Tensor) => Tensor,
): Promise<Contestant> {
  let y = start;
  for (let i = 0; i < CHAIN; i++) y = link(y);
  const program = await engine.compile({ total: sum(y) });
  const feeds = { x: Float32Array.of(value) };
  return { label: engine.description, time: (count) => timeCalls(count, () => program.run(feeds)) };
}

/** How far the engine's gradients are from another's: the largest difference over the largest of its parameter. */
export async function gradientError(
  engine: Engine,
  other: Engine,
  model: BenchModel,
  batch: number,
): Promise<number> {
  const [mine, theirs] = [
    await gradientsOn(engine, model, batch),
    await gradientsOn(other, model, batch),
  ] as const;
  const errors = Object.entries(theirs).map(([name, expected]) => {
    const largest = expected.reduce((most, each) => Math.max(most, Math.abs(each)), 0);
    return expected.reduce((most, each, i) => Math.max(most, Math.abs(each - mine[name]![i]!)), 0) / largest;
  });
  return Math.max(...errors);
}

async function gradientsOn(engine: Engine, model: BenchModel, batch: number) {
  const { parameters, loss, feeds } = await setUp(engine, model, batch);
  const named = [...parameterGradients(loss)].map(([name, gradient]) => [`gradient of ${name}`, gradient]);
  const program = await engine.compile(Object.fromEntries(named), { parameters, use: "weights" });
  const gradients = structuredClone(await program.run(feeds)) as Record<string, Float32Array<ArrayBuffer>>;
  await program.dispose();
  await parameters.dispose();
  return gradients;
}
