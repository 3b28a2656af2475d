import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { inputSizeOf, sampleInputs, sampleLabel, withLabels } from "../shared/generator-inputs.ts";
import { createRandom, sampleLatents } from "../shared/random.ts";
import { resolveConfig } from "../trainer/config.ts";
import type { Engine } from "../trainer/engine/engine.ts";
import { createEngine } from "../trainer/engine/index.ts";
import { generatorOf } from "../trainer/generators/generator.ts";
import { layerParameters } from "../trainer/generators/layers.ts";
import { NO_TRAINING } from "../trainer/generators/plain.ts";
import { createSampler } from "../trainer/generators/sampler.ts";
import { labelled, prepare, vectors } from "./objective-runs.ts";

let engine: Engine;
beforeAll(async () => {
  ({ engine } = await createEngine("cpu"));
});
afterAll(() => engine.dispose());

describe("what a generator is fed", () => {
  const unconditional = { latentSize: 3, labelCounts: null };
  const spec = { latentSize: 3, labelCounts: [10, 0, 30] };

  test("without classes the latents alone", () => {
    expect(inputSizeOf(unconditional)).toBe(3);
    expect(sampleInputs(unconditional, { seed: 7, first: 2, count: 5 })).toEqual(sampleLatents(7, 2, 5, 3));
  });

  test("with classes the same latents, and a 1 in the class's place", () => {
    expect(inputSizeOf(spec)).toBe(6);
    const inputs = sampleInputs(spec, { seed: 7, first: 2, count: 4, label: 1 });
    const latents = sampleLatents(7, 2, 4, 3);
    for (let i = 0; i < 4; i++) {
      expect([...inputs.subarray(6 * i, 6 * i + 6)]).toEqual([
        ...latents.subarray(3 * i, 3 * i + 3),
        0,
        1,
        0,
      ]);
    }
  });

  test("the temperature scales the latents, and leaves the class", () => {
    const warm = sampleInputs(spec, { seed: 7, first: 0, count: 1, label: 2, temperature: 0.5 });
    const [a, b, c] = sampleLatents(7, 0, 1, 3);
    expect([...warm]).toEqual([a! * 0.5, b! * 0.5, c! * 0.5, 0, 0, 1].map(Math.fround));
  });

  test("a class that isn't asked for is drawn as often as the data have it, by sample and seed alone", () => {
    const counts = [0, 0, 0];
    for (let i = 0; i < 4000; i++) counts[sampleLabel(spec.labelCounts, 3, i)]!++;
    // Binomial, deviation 27.
    expect(Math.abs(counts[0]! - 1000)).toBeLessThan(110);
    expect(counts[1]).toBe(0);
    const all = sampleInputs(spec, { seed: 3, first: 0, count: 10 });
    const some = sampleInputs(spec, { seed: 3, first: 4, count: 2 });
    expect(some).toEqual(all.slice(4 * 6, 6 * 6));
    expect(withLabels(sampleLatents(3, 4, 1, 3), [sampleLabel(spec.labelCounts, 3, 4)], spec)).toEqual(
      some.slice(0, 6),
    );
  });
});

describe("conditional IMLE", () => {
  /** Class k lies around (4k, ±1): two modes each. */
  const data = (() => {
    const random = createRandom(2);
    const labels = Array.from({ length: 600 }, (_, i) => i % 3);
    const rows = labels.flatMap((label, i) => [
      4 * label + 0.1 * random.normal(),
      (i % 2 === 0 ? 1 : -1) + 0.1 * random.normal(),
    ]);
    return labelled(vectors(rows, 2), labels, ["a", "b", "c"]);
  })();
  const config = resolveConfig("ring", {
    objective: "conditional-imle",
    budget: { steps: 1500 },
    set: [
      "generator.latentSize=2",
      "generator.hidden=[64,64]",
      "objective.poolSize=1200",
      "objective.subsetSize=300",
      "objective.batchSize=100",
      "objective.rejectionRadius=null",
      "optimiser.warmupSteps=0",
    ],
  });

  test("draws the class that it is told, both modes of it", async () => {
    const { training, steps } = await prepare(engine, data, config);
    await steps(0, 1500);
    const model = await training.model();
    await training.dispose();
    expect(model.latentSize).toBe(5);
    expect(model.labelCounts).toEqual([200, 200, 200]);

    const specs = layerParameters(model.layers, 5).flatMap(({ kernel, bias }) => [kernel, bias]);
    const initial = specs.map((each) => ({ ...each, values: model.weights[each.name]! }));
    const parameters = await engine.createParameters(initial, NO_TRAINING);
    const sampler = createSampler(engine, generatorOf(5, model.layers), { parameters, use: "weights" });
    const spec = { latentSize: 2, labelCounts: model.labelCounts! };
    // In model space every dimension has mean 0 and deviation 1.
    const [meanX, scaleX] = [4, Math.sqrt(32 / 3)];
    for (const label of [0, 1, 2]) {
      const samples = await sampler.sample(sampleInputs(spec, { seed: 1, first: 0, count: 400, label }));
      const xs = Array.from({ length: 400 }, (_, i) => meanX + scaleX * samples[2 * i]!);
      // By chance it would be a third of them.
      const near = xs.filter((x) => Math.abs(x - 4 * label) < 2).length;
      expect(near, `class ${label}`).toBeGreaterThan(300);
      const up = Array.from({ length: 400 }, (_, i) => samples[2 * i + 1]!);
      expect(up.filter((y) => y > 0.5).length).toBeGreaterThan(20);
      expect(up.filter((y) => y < -0.5).length).toBeGreaterThan(20);
    }
    await sampler.dispose();
    await parameters.dispose();
  });

  test("data without classes are refused before training", async () => {
    const plain = vectors([1, 2, 3, 4, 5, 6], 2);
    await expect(prepare(engine, plain, config)).rejects.toThrow(
      /"conditional-imle" needs data with classes, and "vectors" has none\. Say --objective imle/,
    );
  });
});
