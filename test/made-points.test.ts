import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createRandom } from "../shared/random.ts";
import { l2Of } from "../trainer/distances/squared-l2.ts";
import type { Engine, ParameterSource } from "../trainer/engine/engine.ts";
import { ENGINES } from "../trainer/engine/index.ts";
import { createDeviceEngine } from "../trainer/engine/onnx-device-engine.ts";
import { mlp } from "../trainer/generators/mlp.ts";
import { createSampler } from "../trainer/generators/sampler.ts";
import { exact } from "../trainer/search/exact.ts";
import { pointsInMemory } from "../trainer/search/searcher.ts";
import "./software-gpu.ts";

const MIB = 2 ** 20;
const LENGTH = 12;
const LATENT_SIZE = 3;
const generator = mlp({
  latentSize: LATENT_SIZE,
  hidden: [8],
  channels: [],
  activation: "relu",
  outputShape: [LENGTH],
  outputActivation: "linear",
});
const ADAM = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0, averageDecay: 0.9 };

const webgpu = await ENGINES["webgpu"]!.probe();
if (!webgpu.works) test.skip(`on webgpu: ${webgpu.reason}`, () => {});
const engines = [
  ...(webgpu.works ? [ENGINES["webgpu"]!] : []),
  { name: "unrolled", create: async () => createDeviceEngine({ provider: "cpu", unroll: 1 }) },
];

describe.each(engines)("points that a program makes, on $name", ({ name, create }) => {
  let engine: Engine;
  let source: ParameterSource;
  beforeAll(async () => {
    engine = await create();
    const initial = generator.initialParameters(createRandom(1));
    source = { parameters: await engine.createParameters(initial, ADAM), use: "weights" };
  });
  afterAll(() => engine.dispose());

  type Case = readonly [about: string, count: number, queryCount: number, memoryBytes: number];
  test.each<Case>([
    ["one tile", 200, 20, 64 * MIB],
    ["hardly any memory, so several tiles", 600, 30, 1],
    ["a single point", 1, 5, MIB],
    // SwiftShader would take minutes.
    ...(name === "webgpu"
      ? []
      : ([
          ["a tile and a bit", 8_200, 40, 64 * MIB],
          ["several runs, blocks of queries", 9_000, 700, MIB],
        ] satisfies Case[])),
  ])("are searched where they are made: %s", async (_, count, queryCount, memoryBytes) => {
    const random = createRandom(2);
    const latents = random.fillNormal(new Float32Array(count * LATENT_SIZE));
    const queries = random.fillNormal(new Float32Array(queryCount * LENGTH));
    const search = exact.prepare(engine, { distance: l2Of(LENGTH), length: LENGTH, memoryBytes });
    const { indices } = await search.nearest(queries, {
      count,
      tile: () => Promise.reject(new Error("a point left the device")),
      made: {
        maker: { latentSize: LATENT_SIZE, apply: generator.apply, parameters: source },
        latents: (first, rows) => latents.subarray(first * LATENT_SIZE, (first + rows) * LATENT_SIZE),
      },
    });

    const sampler = createSampler(engine, generator, source);
    const points = (await sampler.sample(latents)).slice();
    const expected = await search.nearest(queries, pointsInMemory(points, LENGTH));
    const squaredL2 = (i: number, j: number) =>
      queries
        .subarray(i * LENGTH, (i + 1) * LENGTH)
        .reduce((total, value, k) => total + (value - points[j * LENGTH + k]!) ** 2, 0);
    for (let i = 0; i < queryCount; i++) {
      // Where two are equally near up to rounding, either will do.
      expect(squaredL2(i, indices[i]!)).toBeCloseTo(squaredL2(i, expected.indices[i]!), 4);
    }
    for (const each of [search, sampler]) await each.dispose();
  });
});
