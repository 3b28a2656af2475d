/**
 * In a process of its own, `steps-memory.ts ENGINE WARM_UP STEPS`: trains a small generator and prints, as JSON, what
 * the process takes after so many steps and after so many more, in bytes.
 */

import "../software-gpu.ts";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { createRandom } from "../../shared/random.ts";
import { mean, square, subtract } from "../../trainer/autodiff/operators.ts";
import { input } from "../../trainer/autodiff/tensor.ts";
import { ENGINES } from "../../trainer/engine/index.ts";
import { mlp } from "../../trainer/generators/mlp.ts";

const [name, warmUp, count] = process.argv.slice(2);
const [batchSize, latentSize, outputSize] = [16, 4, 8];

setFlagsFromString("--expose_gc");
const collectGarbage = runInNewContext("gc") as () => void;

const engine = await ENGINES[name!]!.create();
const generator = mlp({
  latentSize,
  hidden: [16],
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
const samples = generator.apply(input("latents", [batchSize, latentSize]));
const loss = mean(square(subtract(samples, input("targets", [batchSize, outputSize]))));
const descent = await engine.compileStep(loss, parameters);

async function residentAfter(steps: number): Promise<number> {
  for (let done = 0; done < steps; done += descent.unroll) {
    const batches = Array.from({ length: descent.unroll }, () => ({
      feeds: {
        latents: random.fillNormal(new Float32Array(batchSize * latentSize)),
        targets: random.fillNormal(new Float32Array(batchSize * outputSize)),
      },
      learningRate: 1e-4,
    }));
    for (const each of await descent.run(batches)) {
      if (!Number.isFinite(each)) throw new Error(`the loss is ${each}`);
    }
  }
  collectGarbage();
  return process.memoryUsage().rss;
}

const before = await residentAfter(Number(warmUp));
const after = await residentAfter(Number(count));
console.log(JSON.stringify({ before, after }));
process.exit(); // some drivers hang at the end
