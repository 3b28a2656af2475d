/** In a process of its own, `engine-speed.ts NAME`: how fast an engine trains, in about a second. */

import { fileURLToPath } from "node:url";
import { createRandom } from "../shared/random.ts";
import { mean, square, subtract } from "../trainer/autodiff/operators.ts";
import { input } from "../trainer/autodiff/tensor.ts";
import type { Engine } from "../trainer/engine/engine.ts";
import { ENGINES } from "../trainer/engine/index.ts";
import { answer, askOwnProcess } from "../trainer/engine/own-process.ts";
import { mlp } from "../trainer/generators/mlp.ts";
import { InputError } from "../trainer/input-error.ts";

/** Long enough for a GPU in software to come up and take two steps. */
const TIME_LIMIT_MS = 120_000;
const SECONDS = 1;

const BATCH = 128;
const WIDTHS = [64, 512, 512, 784] as const;
/** Products of one step: forward, the weights' gradients, and those of every layer's input but the first's. */
const FLOP = WIDTHS.slice(1).reduce(
  (sum, width, layer) => sum + 2 * BATCH * WIDTHS[layer]! * width * (layer === 0 ? 2 : 3),
  0,
);
export const STEP = `MLP ${WIDTHS.join("→")}, batch ${BATCH}: forward, backward and Adam`;

export interface EngineSpeed {
  /** What it ran on, in a few words. */
  readonly description: string;
  /** The median of what was done in the second. */
  readonly msPerStep: number;
  /** 10⁹ floating-point operations a second in matrix products, everything else counted as time alone. */
  readonly gflops: number;
}

/** @throws Error saying in a few words what went wrong */
export async function engineSpeed(name: string): Promise<EngineSpeed> {
  const found = await askOwnProcess<EngineSpeed | { readonly failure: string }>({
    script: new URL(import.meta.url),
    arguments: [name],
    timeLimitMs: TIME_LIMIT_MS,
  });
  if ("failure" in found) throw new InputError(found.failure);
  return found;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    const engine = await ENGINES[process.argv[2]!]!.create();
    const msPerStep = await measure(engine);
    answer({ description: engine.description, msPerStep, gflops: FLOP / msPerStep / 1e6 });
  } catch (error) {
    answer({ failure: (error as Error).message.split("\n")[0]! });
  }
}

async function measure(engine: Engine): Promise<number> {
  const [latentSize, ...widths] = WIDTHS;
  const outputSize = widths.at(-1)!;
  const generator = mlp({
    latentSize,
    hidden: widths.slice(0, -1),
    channels: [],
    activation: "relu",
    outputShape: [outputSize],
    outputActivation: "sigmoid",
  });
  const random = createRandom(1);
  const parameters = await engine.createParameters(generator.initialParameters(random), {
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    weightDecay: 0,
    averageDecay: 0.999,
  });
  const samples = generator.apply(input("latents", [BATCH, latentSize]));
  const loss = mean(square(subtract(samples, input("targets", [BATCH, outputSize]))));
  const step = await engine.compileStep(loss, parameters);
  const feeds = {
    latents: random.fillNormal(new Float32Array(BATCH * latentSize)),
    targets: Float32Array.from({ length: BATCH * outputSize }, () => random.uniform()),
  };
  const batches = (count: number) => Array.from({ length: count }, () => ({ feeds, learningRate: 1e-3 }));
  const secondsOf = async (count: number) => {
    const start = performance.now();
    await step.run(batches(count));
    return (performance.now() - start) / 1000;
  };
  await secondsOf(1); // compiles
  const once = await secondsOf(1);
  // What takes longer than that has been measured.
  if (once > SECONDS) return once * 1000;
  await secondsOf(step.unroll);
  const rounds: number[] = [];
  for (let spent = 0; spent < SECONDS; spent += rounds.at(-1)!) rounds.push(await secondsOf(step.unroll));
  return (rounds.toSorted((a, b) => a - b)[Math.floor(rounds.length / 2)]! / step.unroll) * 1000;
}
