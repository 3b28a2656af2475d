/**
 * In a process of its own, `steps-memory.ts ENGINE WARM_UP STEPS`: trains a small model and prints, as JSON, what
 * the process takes after so many steps and after so many more, in bytes.
 */

import "../software-gpu.ts";
import { setTimeout } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { createRandom } from "../../shared/random.ts";
import { add, mean, multiply, square, subtract, tanh } from "../../trainer/autodiff/operators.ts";
import { input, parameter, sizeOf } from "../../trainer/autodiff/tensor.ts";
import { ENGINES } from "../../trainer/engine/index.ts";

const [name, warmUp, count] = process.argv.slice(2);
const shape = [16, 16];
const size = sizeOf(shape);

setFlagsFromString("--expose_gc");
const collectGarbage = runInNewContext("gc") as () => void;

const engine = await ENGINES[name!]!.create();
const random = createRandom(1);
const initial = ["scale", "shift"].map((each) => ({
  name: each,
  shape,
  values: new Float32Array(size).fill(1),
}));
const parameters = await engine.createParameters(initial, {
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  weightDecay: 0,
  averageDecay: 0.999,
});
// No matrix products, for which a GPU in software takes 50 ms each.
const guess = tanh(add(multiply(parameter("scale", shape), input("x", shape)), parameter("shift", shape)));
const loss = mean(square(subtract(guess, input("y", shape))));
const descent = await engine.compileStep(loss, parameters);

async function residentAfter(steps: number): Promise<number> {
  for (let done = 0; done < steps; done += descent.unroll) {
    const batches = Array.from({ length: descent.unroll }, () => ({
      feeds: {
        x: random.fillNormal(new Float32Array(size)),
        y: random.fillNormal(new Float32Array(size)),
      },
      learningRate: 1e-4,
    }));
    for (const each of await descent.run(batches)) {
      if (!Number.isFinite(each)) throw new Error(`the loss is ${each}`);
    }
  }
  for (let i = 0; i < 3; i++) {
    collectGarbage();
    await setTimeout(50); // native objects go after their wrappers have
  }
  return process.memoryUsage().rss;
}

const before = await residentAfter(Number(warmUp));
const after = await residentAfter(Number(count));
console.log(JSON.stringify({ before, after }));
process.exit(); // some drivers hang at the end
