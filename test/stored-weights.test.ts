/** Weights stored as float16 and int8: the same samples on every host, and no farther from float32's than stated. */

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { loadLayersModel } from "@tensorflow/tfjs-layers";
import { build } from "esbuild";
import fc from "fast-check";
import * as ort from "onnxruntime-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type LocalServer, startServer } from "../cli/workerd.ts";
import { loadWasmGenerator } from "../edge/generator-wasm.ts";
import { fromFloat16, toFloat16 } from "../shared/float16.ts";
import type { LayerSpec, Manifest, OutputSpec } from "../shared/manifest.ts";
import { parseNpy } from "../shared/npy.ts";
import { createRandom, sampleLatents } from "../shared/random.ts";
import { sizeOf } from "../trainer/autodiff/tensor.ts";
import type { Engine } from "../trainer/engine/engine.ts";
import { ENGINES } from "../trainer/engine/index.ts";
import { kernelModule } from "../trainer/engine/kernels.ts";
import { storedWeightFiles, storeWeights, withWeights } from "../trainer/export/store-weights.ts";
import { WEIGHT_TYPES } from "../trainer/export/weight-types.ts";
import { createSeededSampler, type FrozenGenerator } from "../trainer/generators/frozen.ts";
import { layerParameters } from "../trainer/generators/layers.ts";
import { hasChromium, launchChromium, withoutChromium } from "./browser.ts";
import { bytesOf, jsonOf } from "./edge-client.ts";
import { createNodeApp, type NodeApp } from "./node-app.ts";
import { GREY, PLANE, RGB, type SmallBundle, writeSmallBundle } from "./small-bundle.ts";

const SEED = 2 ** 40 + 3;
const COUNT = 64;
const LATENT_SIZE = 5;
const BUNDLES: readonly SmallBundle[] = [
  { name: "mlp-int8", weights: "int8", output: GREY },
  { name: "dcgan-int8", weights: "int8", output: RGB, architecture: "dcgan" },
  { name: "upsampled-int8", weights: "int8", output: GREY, architecture: "upsample-conv" },
  { name: "upsampled-float16", weights: "float16", output: GREY, architecture: "upsample-conv" },
];
const NAMES = BUNDLES.map(({ name }) => name);

/** With int8 weights our kernel rounds what comes into a layer to 16 bits. */
const KERNEL_ROUNDING = 3e-4;

let folder: string;
let server: LocalServer;
let node: NodeApp;
const manifests: Record<string, Manifest> = {};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "imle-edge-"));
  for (const bundle of BUNDLES) {
    manifests[bundle.name] = await writeSmallBundle(join(folder, bundle.name), {
      ...bundle,
      withoutRows: true,
    });
  }
  server = await startServer({ bundles: NAMES.map((name) => join(folder, name)) });
  node = createNodeApp(Object.fromEntries(NAMES.map((name) => [name, join(folder, name)])));
});
afterAll(async () => {
  await server?.close();
  await rm(folder, { recursive: true, force: true });
});

describe.each(NAMES)("%s", (name) => {
  const path = `/models/${name}/sample?n=${COUNT}&seed=${SEED}&format=npy`;
  const latents = sampleLatents(SEED, 0, COUNT, LATENT_SIZE);
  const workerSamples = async () =>
    parseNpy(await bytesOf(await fetch(server.url + path))).values as Float32Array;

  test("Worker and Node: equal to the bit", async () => {
    expect(await workerSamples()).toEqual(parseNpy(await bytesOf(await node.request(path))).values);
  });

  test("model.json and model.onnx give the same samples, but for what the kernel rounds", async () => {
    const before = tf.getBackend();
    await tf.setBackend("cpu");
    const model = await loadLayersModel(`${server.url}/models/${name}/model.json`, { fetchFunc: fetch });
    const output = model.predict(tf.tensor2d(latents, [COUNT, LATENT_SIZE])) as tf.Tensor;
    const layersModel = output.dataSync<"float32">();
    if (before) await tf.setBackend(before);
    const session = await ort.InferenceSession.create(
      new Uint8Array(await readFile(join(folder, name, "model.onnx"))),
    );
    const feeds = { [session.inputNames[0]!]: new ort.Tensor("float32", latents, [COUNT, LATENT_SIZE]) };
    const onnx = (await session.run(feeds))[session.outputNames[0]!]!.data as Float32Array;

    const samples = await workerSamples();
    expect(farthest(layersModel, onnx)).toBeLessThan(1e-5);
    expect(farthest(samples, layersModel)).toBeLessThan(KERNEL_ROUNDING);
    expect(new Set(samples).size).toBeGreaterThan(100); // not a constant picture
  });

  test("its weights' file is served, for generators in browsers", async () => {
    const { files } = manifests[name]!.generator.weights!;
    for (const file of files!) {
      const bytes = await bytesOf(await fetch(`${server.url}/models/${name}/${file}`));
      expect(bytes).toEqual(new Uint8Array(await readFile(join(folder, name, file))));
    }
  });

  test.skipIf(!hasChromium)(`Chromium and Node: equal to the bit${withoutChromium}`, async () => {
    const samples = await chromiumSamples(manifests[name]!, Array.from(latents));
    // As numbers in JSON, which keep every bit.
    expect(Float32Array.from(samples)).toEqual(parseNpy(await bytesOf(await node.request(path))).values);
  });
});

test("/healthz tells what the weights are stored as", async () => {
  expect(await jsonOf(await fetch(`${server.url}/healthz`))).toMatchObject({
    generator: "wasm",
    weights: "int8",
  });
});

describe("the error that the manifest states", () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await ENGINES["cpu"]!.create();
  });
  afterAll(() => engine?.dispose());

  const dense = (units: number, activation: "relu" | "sigmoid" | "linear"): LayerSpec => ({
    kind: "dense",
    units,
    activation,
  });
  const generator = (gain: number, output: OutputSpec) =>
    randomGenerator(gain, [
      dense(40, "relu"),
      dense(sizeOf(output.shape), output.kind === "image" ? "sigmoid" : "linear"),
    ]);

  test.each(["int8", "float16"] as const)(
    "of %s: how far samples are from the trained weights'",
    async (dtype) => {
      const trained = generator(1, RGB);
      const stored = await storeWeights(engine, trained, RGB, dtype, 7);
      const { error } = stored.weights;
      const samplesOf = async (each: FrozenGenerator) => {
        const sampler = await createSeededSampler(engine, each);
        const samples = await sampler.sample(7, 0, error!.samples);
        await sampler.dispose();
        return samples;
      };
      const [before, after] = [await samplesOf(trained), await samplesOf(stored.generator)];
      expect(farthest(before, after)).toBe(error!.largest);
      expect(error!.mean).toBeLessThan(error!.rootMeanSquare);
      expect(error!.rootMeanSquare).toBeLessThan(error!.largest);
      expect(error!.mean).toBeGreaterThan(0);

      const files = storedWeightFiles(stored.weights)!;
      const manifest = {
        name: "net",
        latent: { size: LATENT_SIZE, distribution: "normal" },
        generator: {
          layers: trained.layers,
          weights: { dtype, files: files.map(({ path }) => path), error },
        },
        output: RGB,
      } as unknown as Manifest;
      const kernel = await loadWasmGenerator(kernelModule("generator"), manifest, async (path) => {
        return files.find((file) => file.path === path)!.bytes;
      });
      const served = kernel.generate(sampleLatents(7, 0, error!.samples, LATENT_SIZE), error!.samples);
      expect(farthest(before, served)).toBeLessThan(error!.largest + KERNEL_ROUNDING);
    },
  );

  test("auto takes the smallest that nobody sees: int8, then float16, then float32", async () => {
    const stored = (gain: number, output: OutputSpec) =>
      storeWeights(engine, generator(gain, output), output, "auto", 7);
    // Steep sigmoids make much of a small difference.
    const chosen = [await stored(0.3, RGB), await stored(20, RGB), await stored(20_000, RGB)];
    expect(chosen.map(({ weights }) => weights.dtype)).toEqual(["int8", "float16", "float32"]);
    for (const { weights } of chosen.slice(0, 2)) {
      expect(weights.error!.rootMeanSquare).toBeLessThanOrEqual(0.5 / 255);
    }
    expect((await stored(0.3, PLANE)).weights).toEqual({ dtype: "float32", arrays: null, error: null });
  });
});

describe("what kernels are stored as", () => {
  const kernel = createRandom(5).fillNormal(new Float32Array(4 * 3 * 5)) as Float32Array<ArrayBuffer>;

  test.each([
    [0, (i: number) => Math.floor(i / 15)],
    [1, (i: number) => Math.floor(i / 5) % 3],
    [2, (i: number) => i % 5],
  ])(
    "int8, units along axis %i: a unit's largest is ±127, and no value is farther than half a step",
    (axis, unitOf) => {
      const { numbers, scales, values } = WEIGHT_TYPES.int8(kernel, [4, 3, 5], axis);
      const largest = new Map<number, number>();
      for (const [i, value] of kernel.entries()) {
        const unit = unitOf(i);
        expect(Math.abs(value - values[i]!)).toBeLessThanOrEqual(scales![unit]! * 0.500001);
        expect(values[i]).toBe(Math.fround(numbers[i]! * scales![unit]!));
        largest.set(unit, Math.max(largest.get(unit) ?? 0, Math.abs(numbers[i]!)));
      }
      expect(new Set(largest.values())).toEqual(new Set([127]));
    },
  );

  test("int8: a unit of zeros stays one", () => {
    expect(WEIGHT_TYPES.int8(new Float32Array(6), [2, 3], 1).values).toEqual(new Float32Array(6));
  });

  test("float16: every half comes back as itself", () => {
    const finite = Uint16Array.from({ length: 65536 }, (_, i) => i).filter(
      (half) => (half & 0x7c00) !== 0x7c00,
    );
    const values = new Float32Array(finite.length);
    fromFloat16(finite, values);
    expect(Uint16Array.from(values, toFloat16)).toEqual(finite);
    const known = [0x3c00, 0xc000, 0x7bff, 0x0001, 0x0400, 0x3555].map(
      (half) => values[finite.indexOf(half)],
    );
    expect(known).toEqual([1, -2, 65504, 2 ** -24, 2 ** -14, 0.333251953125]);
  });

  test("float16: the nearest half, and the even one of two", () => {
    const halfOf = (half: number) => {
      const out = new Float32Array(1);
      fromFloat16(Uint16Array.of(half), out);
      return out[0]!;
    };
    fc.assert(
      fc.property(fc.float({ min: -65504, max: 65504, noNaN: true }), (value) => {
        const half = toFloat16(value);
        const distance = Math.abs(halfOf(half) - value);
        for (const neighbour of [half - 1, half + 1]) {
          if (neighbour < 0 || (neighbour & 0x7c00) === 0x7c00) continue;
          const other = Math.abs(halfOf(neighbour) - value);
          expect(distance < other || (distance === other && half % 2 === 0)).toBe(true);
        }
      }),
      { numRuns: 2000 },
    );
    expect([1e6, -1e6].map((value) => halfOf(toFloat16(value)))).toEqual([65504, -65504]);
  });

  test("float32 is what was trained", () => {
    const generator = randomGenerator(1, [{ kind: "dense", units: 3, activation: "relu" }]);
    expect(withWeights(generator, "float32").generator).toBe(generator);
  });
});

function randomGenerator(gain: number, layers: readonly LayerSpec[]): FrozenGenerator {
  const random = createRandom(11);
  const weights = Object.fromEntries(
    layerParameters(layers, LATENT_SIZE).flatMap(({ kernel, bias, fanIn }) => [
      [kernel.name, normals(kernel.shape).map((value) => (gain * value) / Math.sqrt(fanIn))],
      [bias.name, normals(bias.shape)],
    ]),
  );
  function normals(shape: readonly number[]) {
    return random.fillNormal(new Float32Array(sizeOf(shape))) as Float32Array<ArrayBuffer>;
  }
  return { latentSize: LATENT_SIZE, layers, weights };
}

function farthest(actual: Float32Array, expected: Float32Array): number {
  expect(actual.length).toBe(expected.length);
  return actual.reduce((worst, value, i) => Math.max(worst, Math.abs(value - expected[i]!)), 0);
}

/** Our generator in the browser, on the bundle that the Worker serves. */
async function chromiumSamples(manifest: Manifest, latents: readonly number[]): Promise<number[]> {
  const { outputFiles } = await build({
    stdin: {
      contents: `export { loadWasmGenerator } from "./edge/generator-wasm.ts";`,
      resolveDir: fileURLToPath(new URL("..", import.meta.url)),
    },
    bundle: true,
    write: false,
    format: "iife",
    globalName: "edge",
  });
  const kernel = await readFile(new URL("../kernels/build/generator.wasm", import.meta.url), "base64");
  const browser = await launchChromium();
  try {
    const page = await browser.newPage();
    // A page of the server's, so that it may fetch; of none that forbids scripts.
    await page.route("**/blank", (route) => route.fulfill({ contentType: "text/html", body: "" }));
    await page.goto(`${server.url}/blank`);
    await page.addScriptTag({ content: outputFiles[0]!.text });
    return await page.evaluate(
      async ({ manifest, latents, kernel }) => {
        // biome-ignore lint/suspicious/noExplicitAny: the bundle's global
        const { loadWasmGenerator } = (globalThis as any).edge;
        const bytes = Uint8Array.from(atob(kernel), (letter) => letter.charCodeAt(0));
        const readFile = async (path: string) =>
          new Uint8Array(await (await fetch(`/models/${manifest.name}/${path}`)).arrayBuffer());
        const generator = await loadWasmGenerator(new WebAssembly.Module(bytes), manifest, readFile);
        const values = generator.generate(Float32Array.from(latents), latents.length / manifest.latent.size);
        return Array.from(values, (value: number) => Math.min(Math.max(value, 0), 1));
      },
      { manifest, latents, kernel },
    );
  } finally {
    await browser.close();
  }
}
