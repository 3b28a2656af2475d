import { readFileSync } from "node:fs";
import { join } from "node:path";
import { enableProdMode, io, setBackend, type Tensor, tensor2d } from "@tensorflow/tfjs-core";
import { loadLayersModel } from "@tensorflow/tfjs-layers";
import * as ort from "onnxruntime-node";
import "@tensorflow/tfjs-backend-cpu";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { LayerSpec, OutputSpec } from "../shared/manifest.ts";
import { createRandom, sampleLatents } from "../shared/random.ts";
import { input } from "../trainer/autodiff/tensor.ts";
import { readGenerator } from "../trainer/bundle-generator.ts";
import { openBundle } from "../trainer/bundle-reader.ts";
import { modelSpaceOf } from "../trainer/data/model-space.ts";
import type { Engine } from "../trainer/engine/engine.ts";
import { createEngine } from "../trainer/engine/index.ts";
import { createSeededSampler, foldModelSpace } from "../trainer/generators/frozen.ts";
import { applyLayers, layerParameters } from "../trainer/generators/layers.ts";
import { newFolder } from "./bundle-cases.ts";
import { interpret } from "./reference-engine.ts";
import { GREY, PLANE, RGB, type SmallBundle, writeSmallBundle } from "./small-bundle.ts";

let engine: Engine;
beforeAll(async () => {
  ({ engine } = await createEngine("auto"));
  enableProdMode(); // it prints hints otherwise
  await setBackend("cpu");
});
afterAll(() => engine.dispose());

const RELU: readonly LayerSpec[] = [
  { kind: "dense", units: 19, activation: "relu" },
  { kind: "dense", units: 8, activation: "leaky-relu" },
];

describe("one generator, three programs", () => {
  const kinds: [string, OutputSpec, Pick<SmallBundle, "hidden" | "architecture">][] = [
    ["grey images, leaky-relu and tanh", GREY, {}],
    ["colour images, relu and leaky-relu", RGB, { hidden: RELU }],
    ["vectors, leaky-relu and tanh", PLANE, {}],
    ["vectors, no hidden layer", PLANE, { hidden: [] }],
    ["grey images, transposed convolutions", GREY, { architecture: "dcgan" }],
    ["colour images, transposed convolutions", RGB, { architecture: "dcgan" }],
    ["grey images, upsampling and convolutions", GREY, { architecture: "upsample-conv" }],
    ["colour images, upsampling and convolutions", RGB, { architecture: "upsample-conv" }],
  ];

  describe.each(kinds)("%s", (_, output, layers) => {
    const latentSize = 5;
    let directory: string;
    beforeAll(async () => {
      directory = join(newFolder(), "same");
      await writeSmallBundle(directory, { name: "same", output, latentSize, ...layers });
    });

    test.each([1, 2, 7, 65])(
      "%i samples: the trainer's engine, TF.js and ONNX Runtime agree",
      async (count) => {
        const latents = sampleLatents(11, 3, count, latentSize);
        const length = output.shape.reduce<number>((product, size) => product * size, 1);

        const frozen = await readGenerator(await openBundle(directory));
        const sampler = await createSeededSampler(engine, frozen);
        const ours = await sampler.sample(11, 3, count);
        await sampler.dispose();
        expect(ours.length).toBe(count * length);

        const model = await loadFromFolder(directory);
        const predicted = model.predict(tensor2d(latents, [count, latentSize])) as Tensor;
        expect(predicted.shape).toEqual([count, ...output.shape]);
        expectClose(await predicted.data(), ours);

        const session = await ort.InferenceSession.create(join(directory, "model.onnx"));
        expect([session.inputNames, session.outputNames]).toEqual([["latents"], ["samples"]]);
        const { samples } = await session.run({
          latents: new ort.Tensor("float32", latents, [count, latentSize]),
        });
        expect(samples!.dims).toEqual([count, ...output.shape]);
        expectClose(samples!.data as Float32Array, ours);
        await session.release();

        // And all of them with float64.
        const graph = applyLayers(frozen.layers, input("latents", [count, latentSize]));
        expectClose(ours, interpret({ graph }, { latents, ...frozen.weights }).graph);
      },
    );

    test("its numbers differ from sample to sample and stay in range", async () => {
      const sampler = await createSeededSampler(engine, await readGenerator(await openBundle(directory)));
      const samples = await sampler.sample(1, 0, 50);
      await sampler.dispose();
      expect(new Set(samples.filter((_, i) => i % (samples.length / 50) === 0)).size).toBe(50);
      if (output.kind === "image") expect(samples.every((value) => value >= 0 && value <= 1)).toBe(true);
    });
  });
});

describe("weights for the data's own units", () => {
  const layers: LayerSpec[] = [
    { kind: "dense", units: 4, activation: "tanh" },
    { kind: "dense", units: 3, activation: "linear" },
  ];
  const weights = Object.fromEntries(
    layerParameters(layers, 2).flatMap(({ kernel, bias }) =>
      [kernel, bias].map(({ name, shape }) => [
        name,
        createRandom(1)
          .fork(name)
          .fillNormal(new Float32Array(shape.reduce((a, b) => a * b))),
      ]),
    ),
  );
  const generator = { latentSize: 2, layers, weights };

  test("give model space · scale + shift, and change the last layer alone", () => {
    const rows = { count: 4, length: 3, labels: null };
    const values = Float32Array.of(1, 100, 7, 2, 300, 7, 3, 200, 7, 6, 900, 7);
    const train = { ...rows, values };
    const space = modelSpaceOf({
      name: "",
      kind: "vector",
      shape: [3],
      labelNames: null,
      train,
      heldOut: { ...train, count: 0 },
      test: null,
      modes: null,
    });
    const { scale, shift } = space.affine!;
    expect(Array.from(shift)).toEqual([3, 375, 7]);
    expect(scale[2]).toBe(1); // a column that never changes
    const folded = foldModelSpace(generator, space);
    const latents = sampleLatents(1, 0, 6, 2);
    const run = (w: typeof weights) =>
      interpret({ out: applyLayers(layers, input("latents", [6, 2])) }, { latents, ...w }).out;
    const expected = run(weights).map((value, i) => value * scale[i % 3]! + shift[i % 3]!);
    expectClose(run(folded.weights), expected);
    expect(folded.weights["dense0/kernel"]).toBe(weights["dense0/kernel"]);
    expect(folded.weights["dense1/kernel"]).not.toEqual(weights["dense1/kernel"]);
  });

  test("pixels need none", () => {
    const images = modelSpaceOf({
      name: "",
      kind: "image",
      shape: [1, 3, 1],
      labelNames: null,
      train: { count: 1, length: 3, values: Uint8Array.of(0, 51, 255), labels: null },
      heldOut: { count: 0, length: 3, values: new Uint8Array(0), labels: null },
      test: null,
      modes: null,
    });
    expect(foldModelSpace(generator, images)).toBe(generator);
  });
});

/** `tf.loadLayersModel` on files, as any TF.js project would, from memory. */
async function loadFromFolder(directory: string) {
  const { modelTopology, weightsManifest } = JSON.parse(readFileSync(join(directory, "model.json"), "utf8"));
  const parts = weightsManifest[0].paths.map((path: string) => readFileSync(join(directory, path)));
  const weightData = new Uint8Array(Buffer.concat(parts)).buffer;
  return loadLayersModel(
    io.fromMemory({ modelTopology, weightSpecs: weightsManifest[0].weights, weightData }),
  );
}

/** To 1e-5, relative where the numbers are large. */
function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  expect(actual.length).toBe(expected.length);
  let worst = 0;
  for (let i = 0; i < expected.length; i++) {
    worst = Math.max(worst, Math.abs(actual[i]! - expected[i]!) / Math.max(1, Math.abs(expected[i]!)));
  }
  expect(worst).toBeLessThan(1e-5);
}
