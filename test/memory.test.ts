import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createRandom } from "../shared/random.ts";
import { peakBytes } from "../trainer/autodiff/memory.ts";
import { add, broadcastTo, exp, matmul, mean, square, sum } from "../trainer/autodiff/operators.ts";
import { input, parameter } from "../trainer/autodiff/tensor.ts";
import { resolveConfig } from "../trainer/config.ts";
import { loadDataset } from "../trainer/data/index.ts";
import { modelSpaceOf } from "../trainer/data/model-space.ts";
import type { Engine } from "../trainer/engine/engine.ts";
import { ENGINES } from "../trainer/engine/index.ts";
import { isOutOfMemory } from "../trainer/engine/out-of-memory.ts";
import { GENERATORS } from "../trainer/generators/index.ts";
import { InputError } from "../trainer/input-error.ts";
import { OBJECTIVES } from "../trainer/objectives/index.ts";
import { checkMemory } from "../trainer/objectives/memory.ts";
import "./software-gpu.ts";

let cpu: Engine;
beforeAll(async () => {
  cpu = await ENGINES["cpu"]!.create();
});
afterAll(() => cpu.dispose());

test("a program's peak counts what is alive at once", () => {
  const x = input("x", [10, 20]);
  const w = parameter("w", [20, 30]);
  const y = matmul(x, w); // [10, 30]
  // Leaves (200 + 600), y, its square, that one's sum, and room for the output.
  expect(peakBytes([add(sum(square(y)), sum(y))])).toBe(4 * (200 + 600 + 300 + 300 + 1 + 1));
  // What is asked for stays.
  expect(peakBytes([y, square(y)])).toBe(4 * (200 + 600 + 300 + 300));
  expect(peakBytes([x])).toBe(4 * 200);
});

describe.each(Object.values(ENGINES))("engine $name", (kind) => {
  test("says when memory runs out, and goes on with what fits", async ({ skip }) => {
    const found = await kind.probe();
    if (!found.works) return skip(found.reason);
    const engine = await kind.create();
    const overRows = async (rows: number) => {
      const rowsOfOnes = broadcastTo(input("x", [1, 1]), [rows, 1024]);
      const program = await engine.compile({ y: sum(square(exp(rowsOfOnes))) });
      return (await program.run({ x: new Float32Array(1) }))["y"]![0];
    };
    // WebAssembly's whole memory, and WebGPU's largest buffer, are 4 GiB: that much is too much, too.
    for (const rows of /web|wasm/.test(kind.name) ? [2 ** 20, 2 ** 40] : [2 ** 40]) {
      const failure = await overRows(rows).catch((error: unknown) => error);
      expect(isOutOfMemory(failure), String(failure)).toBe(true);
    }
    expect(await overRows(2)).toBe(2048);
    await engine.dispose();
  });
});

test("other failures aren't taken for it", () => {
  for (const message of ["no adapter", 'run: input "x" takes 12 numbers, got 11', "shapes don't fit"]) {
    expect(isOutOfMemory(new Error(message))).toBe(false);
  }
});

describe("a run that memory can't hold", () => {
  /** Prepares IMLE on the ring, on an engine of which some part may be a stand-in. */
  async function prepare(engine: Engine, ...set: string[]) {
    const config = resolveConfig("ring", { objective: "imle", budget: { steps: 10 }, set });
    const dataset = await loadDataset({ name: "ring", seed: 1 });
    const generator = GENERATORS[config.generator.kind]!({
      ...config.generator,
      outputShape: dataset.shape,
      outputActivation: "linear",
    });
    const random = createRandom(1);
    return OBJECTIVES["imle"]!.prepare({
      engine,
      generator,
      firstWeights: () => generator.initialParameters(random),
      train: dataset.train,
      shape: dataset.shape,
      space: modelSpaceOf(dataset),
      config,
      random,
    });
  }

  const sizes = {
    poolSize: 1000,
    latentSize: 16,
    batchSize: 128,
    lossOf: (rows: number) => mean(square(matmul(input("x", [rows, 64]), parameter("w", [64, 256])))),
    otherBytes: 1000,
  };
  const refusalOf = (check: () => void): string => {
    try {
      check();
    } catch (error) {
      expect(error).toBeInstanceOf(InputError);
      expect((error as Error).message).not.toContain("\n");
      return (error as Error).message;
    }
    return "";
  };

  test("is refused before any of it is taken, with the pool that would fit", async () => {
    const refusal = await prepare(cpu, "objective.poolSize=1e12").catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(InputError);
    const { message } = refusal as InputError;
    expect(message).toMatch(/^config: objective\.poolSize 1000000000000 needs .+GiB.+ are free\. Say --set/);
    const free = 2 ** 24;
    const tooMany = refusalOf(() => checkMemory({ ...sizes, engine: cpu, poolSize: 1e9 }, free));
    const poolSize = Number(/objective\.poolSize=(\d+)/.exec(tooMany)![1]);
    expect(refusalOf(() => checkMemory({ ...sizes, engine: cpu, poolSize }, free))).toBe("");
    expect(refusalOf(() => checkMemory({ ...sizes, engine: cpu, poolSize: 1.2 * poolSize }, free))).not.toBe(
      "",
    );
  });

  test("and with the batch that would fit", () => {
    const free = 2 ** 24;
    const tooLarge = refusalOf(() => checkMemory({ ...sizes, engine: cpu, batchSize: 60_000 }, free));
    expect(tooLarge).toContain("objective.batchSize 60000 needs about");
    const batchSize = Number(/objective\.batchSize=(\d+)/.exec(tooLarge)![1]);
    expect(refusalOf(() => checkMemory({ ...sizes, engine: cpu, batchSize }, free))).toBe("");
    // A GPU's memory isn't the host's.
    const gpu: Engine = { ...cpu, device: "gpu" };
    expect(refusalOf(() => checkMemory({ ...sizes, engine: gpu, batchSize: 60_000 }, free))).toBe("");
    const nothing = refusalOf(() => checkMemory({ ...sizes, engine: cpu }, 2000));
    expect(nothing).toContain("Take a smaller generator, or free memory.");
  });

  test("names the batch to try where a GPU runs out of memory in a step", async () => {
    const gpu: Engine = {
      ...cpu,
      name: "webgpu",
      device: "gpu",
      compileStep: async () => ({
        unroll: 1,
        run: () => Promise.reject(new Error("Failed to allocate memory for requested buffer of size 9")),
        dispose: async () => {},
      }),
    };
    const training = await prepare(gpu, "objective.batchSize=256", "objective.poolSize=300");
    await expect(training.run([1e-3])).rejects.toThrow(InputError);
    await expect(training.run([1e-3])).rejects.toThrow(
      /batchSize 256 needs about .+ more than webgpu has\. Half of it is enough for --set objective\.batchSize=\d+\.$/,
    );
    await training.dispose();
  });

  test("other failures pass through as they are", async () => {
    const broken: Engine = {
      ...cpu,
      compileStep: async () => ({
        unroll: 1,
        run: () => Promise.reject(new Error("the driver crashed")),
        dispose: async () => {},
      }),
    };
    const training = await prepare(broken, "objective.poolSize=300");
    await expect(training.run([1e-3])).rejects.toThrow("the driver crashed");
    await training.dispose();
  });
});
