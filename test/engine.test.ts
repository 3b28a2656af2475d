import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createRandom } from "../shared/random.ts";
import { differentiate } from "../trainer/autodiff/gradients.ts";
import {
  add,
  argMin,
  broadcastTo,
  matmul,
  mean,
  multiply,
  sign,
  softplus,
  square,
  subtract,
  sum,
  tanh,
} from "../trainer/autodiff/operators.ts";
import { constant, input, parameter, sizeOf, type Tensor } from "../trainer/autodiff/tensor.ts";
import type {
  AdamSettings,
  Engine,
  InitialParameter,
  NamedNumbers,
  ParameterValues,
  TrainingStep,
} from "../trainer/engine/engine.ts";
import { ENGINES } from "../trainer/engine/index.ts";
import { parameterGradients } from "../trainer/engine/leaves.ts";
import { createDeviceEngine } from "../trainer/engine/onnx-device-engine.ts";
import type { Normalisation } from "../trainer/generators/generator.ts";
import { GENERATORS } from "../trainer/generators/index.ts";
import { OPERATOR_CASES, prepareCase } from "./operator-cases.ts";
import { interpret } from "./reference-engine.ts";
import "./software-gpu.ts";

/** What works on this machine; the rest is skipped and says why. */
const AVAILABILITY = await Promise.all(
  Object.values(ENGINES).map(async (kind) => ({ ...kind, found: await kind.probe() })),
);

const ADAM: AdamSettings = {
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  weightDecay: 0.02,
  averageDecay: 0.9,
};

/** A regression that has every kind of layer part: [6, 3] → [6, 4] → [6, 2]. */
const network = {
  feeds: { x: [6, 3], y: [6, 2] },
  parameters: { hidden: [3, 4], bias: [4], output: [4, 2] },
  loss(): Tensor {
    const { feeds, parameters } = network;
    const hidden = parameter("hidden", parameters.hidden);
    const activity = tanh(matmul(input("x", feeds.x), hidden, { bias: parameter("bias", parameters.bias) }));
    const guess = matmul(activity, parameter("output", parameters.output));
    return mean(square(subtract(guess, input("y", feeds.y))));
  },
};

function normals(seed: number, shapes: Readonly<Record<string, readonly number[]>>) {
  return Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => [
      name,
      createRandom(seed)
        .fork(name)
        .fillNormal(new Float32Array(sizeOf(shape))),
    ]),
  );
}

const initialWeights = (): InitialParameter[] => {
  const values = normals(1, network.parameters);
  return Object.entries(network.parameters).map(([name, shape]) => ({ name, shape, values: values[name]! }));
};

/** The batch of a step. */
const batch = (step: number) => normals(100 + step, network.feeds);
const learningRate = (step: number) => 0.02 / (1 + 0.1 * step);

/** What the process takes, after collecting garbage. */
function residentMiB(): number {
  setFlagsFromString("--expose_gc");
  const collect = runInNewContext("gc") as () => void;
  collect();
  collect(); // waits for what the first one gave back
  return process.memoryUsage().rss / 2 ** 20;
}

async function runSteps(descent: TrainingStep, first: number, count: number): Promise<number[]> {
  const losses: number[] = [];
  for (let step = first; step < first + count; step++) {
    losses.push(...(await descent.run([{ feeds: batch(step), learningRate: learningRate(step) }])));
  }
  return losses;
}

/** To 1e-5, relative where the numbers are large: what float32 leaves after a few operations. */
function expectClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance = 1e-5,
  what = "numbers",
): void {
  expect(actual.length, what).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs(actual[i]! - expected[i]!) / Math.max(1, Math.abs(expected[i]!));
    expect(error, `${what}, entry ${i}: ${actual[i]}, expected ${expected[i]}`).toBeLessThan(tolerance);
  }
}

for (const { name, found } of AVAILABILITY) {
  if (!found.works) test.skip(`engine ${name}: ${found.reason}`, () => {});
}

/** What `cuda` runs, graph by graph, on the CPU: its arithmetic is checked where there is no card, too. */
const UNROLLED = {
  name: "unrolled",
  create: async () => createDeviceEngine({ provider: "cpu", unroll: 4 }),
};

let cpu: Engine;
beforeAll(async () => {
  cpu = await ENGINES["cpu"]!.create();
});
afterAll(() => cpu.dispose());

describe.each([...AVAILABILITY.filter(({ found }) => found.works), UNROLLED])(
  "engine $name",
  ({ name, create }) => {
    let engine: Engine;
    beforeAll(async () => {
      engine = await create();
    });
    afterAll(() => engine.dispose());

    /** Compiles, runs once, and gives copies of the outputs. */
    async function run(outputs: Record<string, Tensor>, feeds: NamedNumbers, on = engine) {
      const program = await on.compile(outputs);
      const results = await program.run(feeds);
      const copies = Object.fromEntries(
        Object.entries(results).map(([name, values]) => [name, values.slice()]),
      );
      await program.dispose();
      return copies;
    }

    test("says what it runs on in one line", () => {
      expect(engine.description).toMatch(/^[^\n]+$/);
    });

    describe("agrees with float64 on every operator", () => {
      // All cases of an operator are one program: starting one is what takes time.
      test.each(Object.entries(OPERATOR_CASES))("%s", async (_operator, cases) => {
        const outputs: Record<string, Tensor> = {};
        const feeds: Record<string, Float32Array<ArrayBuffer>> = {};
        for (const each of cases) {
          const { operands, value, loss, values } = prepareCase(each, `${each.about}: `);
          const gradients = each.withoutGradient ? [] : differentiate(loss, operands);
          outputs[`${each.about}: value`] = value;
          for (const [i, gradient] of gradients.entries()) outputs[`${each.about}: gradient ${i}`] = gradient;
          Object.assign(feeds, values);
        }
        const expected: Record<string, number[]> = interpret(outputs, feeds);
        const results = await run(outputs, feeds);
        expect(Object.keys(results).sort()).toEqual(Object.keys(expected).sort());
        for (const [name, numbers] of Object.entries(results)) {
          const whole = outputs[name]!.dtype === "int32";
          expect(numbers, name).toBeInstanceOf(whole ? Int32Array : Float32Array);
          if (whole) expect(Array.from(numbers), name).toEqual(expected[name]);
          else expectClose(numbers, expected[name]!, 1e-5, name);
        }
      });
    });

    describe("programs", () => {
      const x = input("x", [3, 4]);

      test("argMin: of equal values the first", async () => {
        const rows = Float32Array.from([2, 1, 1, 1, 0, 0, 0, 0, 5, 4, 3, 3]);
        const { byRow, byColumn } = await run({ byRow: argMin(x, 1), byColumn: argMin(x, 0) }, { x: rows });
        expect(Array.from(byRow!)).toEqual([1, 0, 2]);
        expect(Array.from(byColumn!)).toEqual([1, 1, 1, 1]);
        // As many as a search compares: vectorised code must keep to it too.
        const wide = new Float32Array(2048).fill(1);
        wide[700] = wide[1500] = -1;
        const { index } = await run({ index: argMin(input("x", [1, 2048]), 1) }, { x: wide });
        expect(index![0]).toBe(700);
      });

      test("softplus stays finite, sign knows three cases", async () => {
        const values = Float32Array.from([-90, -1, 0, 1, 90, 3, 1e-20, -1e-9]);
        const z = input("z", [8]);
        const { soft, signs } = await run({ soft: softplus(z), signs: sign(z) }, { z: values });
        expectClose(soft!, interpret({ soft: softplus(z) }, { z: values }).soft);
        expect(Array.from(signs!)).toEqual([-1, -1, 0, 1, 1, 1, 1, -1]);
      });

      test("one tensor may be several outputs, and an output may be an input or a constant", async () => {
        const values = Float32Array.from({ length: 12 }, (_, i) => i);
        const twice = add(x, x);
        const { a, b, c, d } = await run({ a: twice, b: twice, c: x, d: constant([1, 2]) }, { x: values });
        expect(a).toEqual(values.map((v) => 2 * v));
        expect(b).toEqual(a);
        expect(c).toEqual(values);
        expect(Array.from(d!)).toEqual([1, 2]);
      });

      test("a loss that doesn't depend on a parameter, and a spread-out constant", async () => {
        const [gradient] = differentiate(sum(x), [input("other", [2])]);
        const results = await run(
          { gradient: gradient!, spread: broadcastTo(constant(3), [2, 2]) },
          { x: new Float32Array(12) },
        );
        expect(Array.from(results["gradient"]!)).toEqual([0, 0]);
        expect(Array.from(results["spread"]!)).toEqual([3, 3, 3, 3]);
      });

      test("a feed of the wrong size, or none, is refused by name", async () => {
        const program = await engine.compile({ total: sum(x) });
        await expect(program.run({ x: new Float32Array(11) })).rejects.toThrow(
          'input "x" takes 12 numbers, got 11',
        );
        await expect(program.run({})).rejects.toThrow('input "x" takes 12 numbers, got none');
        await expect(program.run({ x: new Int32Array(12) })).rejects.toThrow(
          'input "x" takes float32 numbers, got Int32Array',
        );
        expect((await program.run({ x: new Float32Array(12).fill(2) }))["total"]![0]).toBe(24);
        await program.dispose();
      });

      test("parameters that nobody gives are refused by name", async () => {
        const weights = parameter("weights", [2]);
        await expect(engine.compile({ total: sum(weights) })).rejects.toThrow('reads parameter "weights"');
        const parameters = await engine.createParameters(initialWeights(), ADAM);
        await expect(engine.compile({ total: sum(weights) }, { parameters, use: "weights" })).rejects.toThrow(
          'there is no parameter "weights"',
        );
        await expect(
          engine.compile({ total: sum(parameter("bias", [5])) }, { parameters, use: "weights" }),
        ).rejects.toThrow('parameter "bias" has shape [4], the program reads [5]');
      });

      test("the same input or parameter may be written twice", async () => {
        const values = Float32Array.from({ length: 12 }, (_, i) => i);
        const { total } = await run({ total: sum(multiply(x, input("x", [3, 4]))) }, { x: values });
        expect(total![0]).toBe(506);
      });
    });

    describe("training", () => {
      const parametersOf = () => engine.createParameters(initialWeights(), ADAM);

      test("20 steps equal Adam with decoupled weight decay and a warm average, in float64", async () => {
        const parameters = await parametersOf();
        const descent = await engine.compileStep(network.loss(), parameters);
        const losses = await runSteps(descent, 0, 20);
        const state = await parameters.read();
        await descent.dispose();

        const expected = referenceTraining(20);
        expectClose(losses, expected.losses);
        expect(state.stepCount).toBe(20);
        for (const name of Object.keys(network.parameters)) {
          expectClose(state.weights[name]!, expected.weights[name]!);
          expectClose(state.average[name]!, expected.average[name]!);
          expectClose(state.firstMoment[name]!, expected.firstMoment[name]!);
          expectClose(state.secondMoment[name]!, expected.secondMoment[name]!);
        }
      });

      test("the loss that a step returns is the one before its update", async () => {
        const parameters = await parametersOf();
        const descent = await engine.compileStep(network.loss(), parameters);
        const [loss] = await runSteps(descent, 0, 1);
        const before = { ...batch(0), ...normals(1, network.parameters) };
        expectClose([loss!], interpret({ loss: network.loss() }, before).loss);
        await descent.dispose();
      });

      test("programs read the weights and the average as they are at each run", async () => {
        const parameters = await parametersOf();
        const total = sum(parameter("hidden", network.parameters.hidden));
        const [weights, average] = await Promise.all(
          (["weights", "average"] as const).map((use) => engine.compile({ total }, { parameters, use })),
        );
        const descent = await engine.compileStep(network.loss(), parameters);
        for (const steps of [0, 3]) {
          await runSteps(descent, 0, steps);
          const state = await parameters.read();
          const sumOf = (values: Float32Array) => values.reduce((a, b) => a + b, 0);
          expectClose((await weights!.run({}))["total"]!, [sumOf(state.weights["hidden"]!)]);
          expectClose((await average!.run({}))["total"]!, [sumOf(state.average["hidden"]!)]);
        }
        for (const each of [weights!, average!, descent]) await each.dispose();
      });

      test("read, write elsewhere, and go on: the same bits as without a break", async () => {
        const whole = await parametersOf();
        const wholeDescent = await engine.compileStep(network.loss(), whole);
        await runSteps(wholeDescent, 0, 12);

        const start = await parametersOf();
        const startDescent = await engine.compileStep(network.loss(), start);
        await runSteps(startDescent, 0, 5);
        const state = await start.read();
        const frozen = structuredClone(state);
        await runSteps(startDescent, 5, 3); // what was read is a copy
        expect(state).toEqual(frozen);

        const rest = await engine.createParameters(
          initialWeights().map((each) => ({ ...each, values: each.values.map(() => 7) })),
          ADAM,
        );
        await rest.write(state);
        expect(await rest.read()).toEqual(state);
        const restDescent = await engine.compileStep(network.loss(), rest);
        await runSteps(restDescent, 5, 7);
        expect(await rest.read()).toEqual(await whole.read());
        for (const descent of [wholeDescent, startDescent, restDescent]) await descent.dispose();
      });

      test("however the batches are divided among runs, the same bits come out", async () => {
        const results = [];
        for (const division of [[13], [1, 1, 1, 10], [3, 0, 8, 2]]) {
          const parameters = await parametersOf();
          const descent = await engine.compileStep(network.loss(), parameters);
          const losses: number[] = [];
          for (const count of division) {
            const batches = Array.from({ length: count }, (_, i) => ({
              feeds: batch(losses.length + i),
              learningRate: learningRate(losses.length + i),
            }));
            losses.push(...(await descent.run(batches)));
          }
          expect(losses.length).toBe(13);
          results.push({ losses, state: await parameters.read() });
          await descent.dispose();
        }
        expect(results[1]).toEqual(results[0]);
        expect(results[2]).toEqual(results[0]);
      });

      test("two engines give the same bits", async () => {
        const states = [];
        for (const each of [await create(), await create()]) {
          const parameters = await each.createParameters(initialWeights(), ADAM);
          await runSteps(await each.compileStep(network.loss(), parameters), 0, 10);
          states.push(await parameters.read());
          await each.dispose();
        }
        expect(states[0]).toEqual(states[1]);
      });

      test("moments that become tiny turn to 0, and subnormal numbers never appear", async () => {
        const settings = { ...ADAM, weightDecay: 0, beta1: 0.5, beta2: 0.5 };
        const initial = [{ name: "w", shape: [4], values: new Float32Array(4).fill(1) }];
        const parameters = await engine.createParameters(initial, settings);
        const loss = sum(multiply(parameter("w", [4]), input("x", [4])));
        const descent = await engine.compileStep(loss, parameters);
        const step = (x: number[]) =>
          descent.run([{ feeds: { x: Float32Array.from(x) }, learningRate: 1e-3 }]);
        await step([1, -1, 1e-3, 0]);
        // Every step halves them: eight at once, so that each passes 1e-30 … 1e-38 in several looks.
        const eight = Array.from({ length: 8 }, () => ({
          feeds: { x: new Float32Array(4) },
          learningRate: 1e-3,
        }));
        for (let i = 0; i < 20; i++) {
          await descent.run(eight);
          const { firstMoment, secondMoment } = await parameters.read();
          for (const moment of [...firstMoment["w"]!, ...secondMoment["w"]!]) {
            expect(moment === 0 || Math.abs(moment) > 1e-30).toBe(true);
          }
        }
        const { firstMoment, secondMoment, weights } = await parameters.read();
        expect(Array.from(firstMoment["w"]!, Math.abs)).toEqual([0, 0, 0, 0]);
        expect(Array.from(secondMoment["w"]!)).toEqual([0, 0, 0, 0]);
        expect(weights["w"]!.every(Number.isFinite)).toBe(true);
        await descent.dispose();
      });

      test("a gradient that is no number shows in the weights, and is not swallowed", async () => {
        const initial = [{ name: "w", shape: [2], values: new Float32Array(2).fill(1) }];
        const parameters = await engine.createParameters(initial, ADAM);
        const descent = await engine.compileStep(
          sum(multiply(parameter("w", [2]), input("x", [2]))),
          parameters,
        );
        await descent.run([{ feeds: { x: Float32Array.from([Number.NaN, 1]) }, learningRate: 1e-3 }]);
        const { weights } = await parameters.read();
        expect(weights["w"]![0]).toBeNaN();
        expect(weights["w"]![1]).toBeCloseTo(0.999 - 1e-3 * 0.02, 6);
        await descent.dispose();
      });

      test("a parameter that the loss doesn't use gets no gradient, whatever ran before", async () => {
        const initial = ["v", "w"].map((name) => ({ name, shape: [1], values: Float32Array.of(1) }));
        const parameters = await engine.createParameters(initial, { ...ADAM, weightDecay: 0 });
        const [v, w] = ["v", "w"].map((name) => parameter(name, [1]));
        const both = await engine.compileStep(sum(add(v!, w!)), parameters);
        const one = await engine.compileStep(sum(w!), parameters);
        await both.run([{ feeds: {}, learningRate: 1e-3 }]);
        const before = await parameters.read();
        await one.run([{ feeds: {}, learningRate: 1e-3 }]);
        const after = await parameters.read();
        expectClose(after.firstMoment["v"]!, [0.9 * before.firstMoment["v"]![0]!]);
        expectClose(after.firstMoment["w"]!, [0.9 * before.firstMoment["w"]![0]! + 0.1]);
        for (const descent of [both, one]) await descent.dispose();
      });

      test("a parameter that is written twice gets the sum of its gradients", async () => {
        const initial = [{ name: "w", shape: [2], values: Float32Array.of(3, 4) }];
        const parameters = await engine.createParameters(initial, ADAM);
        const once = () => parameter("w", [2]);
        const descent = await engine.compileStep(sum(add(square(once()), once())), parameters);
        expect(await descent.run([{ feeds: {}, learningRate: 1e-3 }])).toEqual([32]);
        expectClose((await parameters.read()).firstMoment["w"]!, [0.7, 0.9]);
        await descent.dispose();
      });

      test("a step may read parameters that it leaves alone, and give what it makes of its gradients", async () => {
        const fixed = [{ name: "fixed/scale", shape: [3], values: Float32Array.of(0.5, -2, 1) }];
        const scaled = multiply(input("x", [6, 3]), parameter("fixed/scale", [3]));
        const hidden = parameter("hidden", [3, 4]);
        const loss = mean(square(tanh(matmul(scaled, hidden))));
        const compiled = async () => {
          const own = await engine.createParameters(
            initialWeights().filter(({ name }) => name === "hidden"),
            ADAM,
          );
          const reads = await engine.createParameters(fixed, ADAM);
          const descent = await engine.compileStep(loss, own, {
            reads,
            outputs: ({ inputs, parameters }) => ({
              byX: inputs.get("x")!,
              steepness: sum(square(parameters.get("hidden")!)),
            }),
          });
          return { own, reads, descent };
        };
        const batches = [0, 1, 2].map((step) => ({
          feeds: { x: batch(step)["x"]! },
          learningRate: learningRate(step),
          into: { byX: new Float32Array(18), steepness: new Float32Array(1) },
        }));

        const { own, reads, descent } = await compiled();
        const leaves = leavesOf(loss);
        const [byX, byHidden] = differentiate(loss, [leaves["x"]!, leaves["hidden"]!]);
        for (const { into, ...each } of batches) {
          const { weights } = await own.read();
          const values = { ...each.feeds, ...weights, "fixed/scale": fixed[0]!.values };
          const expected = interpret({ loss, byX: byX!, steepness: sum(square(byHidden!)) }, values);
          expectClose(await descent.run([{ ...each, into }]), expected.loss);
          expectClose(into.byX, expected.byX);
          expectClose(into.steepness, expected.steepness);
          expect((await own.read()).weights).not.toEqual(weights);
        }
        expect((await reads.read()).weights["fixed/scale"]).toEqual(fixed[0]!.values);

        const again = await compiled();
        const oneByOne = structuredClone(batches.map(({ into }) => into));
        await again.descent.run(batches);
        expect(batches.map(({ into }) => into)).toEqual(oneByOne);
        expect(await again.own.read()).toEqual(await own.read());
        await again.descent.run([{ ...batches[0]!, into: {} }]);
        for (const each of [descent, again.descent]) await each.dispose();
      });

      describe("20 steps of a generator agree with the engine on the CPU to 1e-4", () => {
        test.each(
          Object.keys(GENERATORS).map((kind) => ({
            kind,
            normalisation: kind === "mlp" ? ("none" as const) : ("batch" as const),
          })),
        )("$kind, normalisation $normalisation", async ({ kind, normalisation }) => {
          const mine = await trainGenerator(engine, kind, normalisation);
          const expected = await trainGenerator(cpu, kind, normalisation);
          expect(mine.losses).toHaveLength(20);
          expectClose(mine.losses, expected.losses, 1e-4, "losses");
          for (const moment of ["before", "after"] as const) {
            for (const [name, gradient] of Object.entries(expected[moment])) {
              const largest = gradient.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
              expect(largest, name).toBeGreaterThan(0);
              const relative = (values: Float32Array) => values.map((value) => value / largest);
              expectClose(relative(mine[moment][name]!), relative(gradient), 1e-4, `${name}, ${moment}`);
            }
          }
        });
      });
    });

    test("programs that are disposed of don't take more and more memory", async () => {
      const count = 100;
      const length = 128 * 1024;
      const numbers = new Float32Array(length);
      // ONNX Runtime 1.30 keeps a session's constants on WebGPU for as long as it has the device: 1.0 MiB a session
      // with 1 MiB of them, without anything of ours, and nothing where they are fed. Ours are a few numbers.
      const many = name === "webgpu" ? input("many", [length]) : constant(numbers, [length]);
      const cycle = () =>
        run(
          { total: sum(add(many, input("x", [1]))) },
          { x: new Float32Array(1), ...(name === "webgpu" && { many: numbers }) },
        );
      for (let i = 0; i < count; i++) await cycle(); // the C library keeps what it once had
      const before = residentMiB();
      for (let i = 0; i < count; i++) await cycle();
      // Each holds 512 KiB, so that those that stay are 50 MiB.
      expect(residentMiB() - before).toBeLessThan(20);
    });

    test("disposing twice does no harm, and a disposed engine leaves others alone", async () => {
      const other = await create();
      const x = input("x", [1]);
      const program = await other.compile({ y: add(x, 1) });
      const mine = await engine.compile({ y: add(x, 2) });
      await program.dispose();
      await program.dispose();
      await other.compile({ y: add(x, 3) });
      await other.dispose();
      await other.dispose();
      expect((await mine.run({ x: Float32Array.of(1) }))["y"]![0]).toBe(3);
      await mine.dispose();
      await expect(mine.run({ x: Float32Array.of(1) })).rejects.toThrow(/disposed/);
    });
  },
);

/** The same 20 steps on any engine: the losses, and the gradients before them and after. */
async function trainGenerator(engine: Engine, kind: string, normalisation: Normalisation) {
  const [batchSize, latentSize] = [8, 5];
  const generator = GENERATORS[kind]!({
    latentSize,
    hidden: [12],
    channels: kind === "mlp" ? [] : [6, 4],
    activation: "relu",
    normalisation,
    outputShape: [8, 8, 1],
    outputActivation: "sigmoid",
  });
  const random = createRandom(3);
  const parameters = await engine.createParameters(generator.initialParameters(random), ADAM);
  const { outputSize } = generator;
  const samples = generator.apply(input("latents", [batchSize, latentSize]));
  const loss = mean(square(subtract(samples, input("targets", [batchSize, outputSize]))));
  const batches = Array.from({ length: 20 }, (_, i) => ({
    feeds: {
      latents: random.fillNormal(new Float32Array(batchSize * latentSize)),
      targets: Float32Array.from({ length: batchSize * outputSize }, () => random.uniform()),
    },
    learningRate: learningRate(i),
  }));
  const named = [...parameterGradients(loss)].map(([name, gradient]) => [`gradient of ${name}`, gradient]);
  const gradients = await engine.compile(Object.fromEntries(named), { parameters, use: "weights" });
  const gradientsNow = async () => structuredClone(await gradients.run(batches[0]!.feeds)) as ParameterValues;
  const before = await gradientsNow();
  const descent = await engine.compileStep(loss, parameters);
  const losses = await descent.run(batches);
  const after = await gradientsNow();
  for (const each of [gradients, descent, parameters]) await each.dispose();
  return { losses, before, after };
}

/** Adam (Kingma & Ba 2015, algorithm 1), decay and average as the settings' documentation says, in float64. */
function referenceTraining(steps: number) {
  const { beta1, beta2, epsilon, weightDecay, averageDecay } = ADAM;
  const loss = network.loss();
  const names = Object.keys(network.parameters);
  const leaves = leavesOf(loss);
  const gradients = Object.fromEntries(names.map((name) => [name, differentiate(loss, [leaves[name]!])[0]!]));
  const weights: Record<string, number[]> = Object.fromEntries(
    Object.entries(normals(1, network.parameters)).map(([name, values]) => [name, Array.from(values)]),
  );
  const like = (value: (name: string) => number[]) =>
    Object.fromEntries(names.map((name) => [name, value(name)]));
  const average = like((name) => [...weights[name]!]);
  const firstMoment = like((name) => weights[name]!.map(() => 0));
  const secondMoment = like((name) => weights[name]!.map(() => 0));
  const losses: number[] = [];
  for (let t = 1; t <= steps; t++) {
    const found: Record<string, number[]> = interpret(
      { loss, ...gradients },
      { ...weights, ...batch(t - 1) },
    );
    losses.push(found["loss"]![0]!);
    const rate = learningRate(t - 1);
    const decay = Math.min(averageDecay, (1 + t) / (10 + t));
    for (const name of names) {
      for (let i = 0; i < weights[name]!.length; i++) {
        const g = found[name]![i]!;
        const m = (firstMoment[name]![i] = beta1 * firstMoment[name]![i]! + (1 - beta1) * g);
        const v = (secondMoment[name]![i] = beta2 * secondMoment[name]![i]! + (1 - beta2) * g * g);
        const step = m / (1 - beta1 ** t) / (Math.sqrt(v / (1 - beta2 ** t)) + epsilon);
        weights[name]![i]! -= rate * (step + weightDecay * weights[name]![i]!);
        average[name]![i] = decay * average[name]![i]! + (1 - decay) * weights[name]![i]!;
      }
    }
  }
  return { losses, weights, average, firstMoment, secondMoment };
}

function leavesOf(loss: Tensor): Record<string, Tensor> {
  const found: Record<string, Tensor> = {};
  const visit = (tensor: Tensor) => {
    if (tensor.op === "parameter" || tensor.op === "input")
      found[tensor.attributes["name"] as string] = tensor;
    tensor.inputs.forEach(visit);
  };
  visit(loss);
  return found;
}
