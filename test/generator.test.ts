/** What every generator keeps to, our kernel and TF.js alike; and the kernel's arithmetic. */

import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import {
  type Generator,
  type GeneratorEngine,
  generatorEngine,
  type LoadGenerator,
} from "../edge/generator.ts";
import { loadTfjsGenerator } from "../edge/generator-tfjs.ts";
import { loadWasmGenerator } from "../edge/generator-wasm.ts";
import { type ActivationName, type Manifest, manifestSchema, type WeightType } from "../shared/manifest.ts";
import { kernelModule, loadKernel } from "../trainer/engine/kernels.ts";
import { compiled } from "./node-app.ts";
import {
  ACTIVATIONS,
  activate,
  conv,
  dense,
  latentsOf,
  NETWORKS,
  network,
  reference,
} from "./small-networks.ts";

const kernel = kernelModule("generator");
const tfjs = compiled("@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm-simd.wasm");
const LOAD: Record<GeneratorEngine, LoadGenerator> = {
  wasm: (manifest, readFile) => loadWasmGenerator(kernel, manifest, readFile),
  tfjs: (manifest, readFile) => loadTfjsGenerator(tfjs, manifest, readFile),
};

/** With int8 weights our kernel rounds inputs to 16 bits; how far outputs may be from those of exact arithmetic. */
const TOLERANCE: Record<WeightType, number> = { float32: 1e-5, float16: 1e-5, int8: 3e-4 };

describe.each(Object.entries(NETWORKS))("network %s", (_, spec) => {
  describe.each([
    ["wasm", "float32"],
    ["wasm", "float16"],
    ["wasm", "int8"],
    ["tfjs", "float32"],
    ["tfjs", "int8"],
  ] as const)("on %s, stored as %s", (engine, dtype) => {
    const { weights, length, load } = network(spec, dtype);
    const tolerance = TOLERANCE[engine === "tfjs" ? "float32" : dtype];
    let generator: Generator;
    beforeAll(async () => {
      generator = await load(LOAD[engine]);
    });

    test(`computes the layers as the manifest defines them, within ${tolerance}`, () => {
      const latents = latentsOf(3, spec.latentSize);
      const outputs = generator.generate(latents, 3);
      expect(outputs).toHaveLength(3 * length);
      let worst = 0;
      for (let row = 0; row < 3; row++) {
        const expected = reference(spec, weights, latents.subarray(row * spec.latentSize));
        for (const [i, value] of expected.entries()) {
          worst = Math.max(worst, Math.abs(outputs[row * length + i]! - value));
        }
      }
      expect(worst).toBeLessThan(tolerance);
    });

    test("sample i is the same to the bit, however many are asked for together", () => {
      const latents = latentsOf(64, spec.latentSize);
      const all = generator.generate(latents, 64);
      for (const count of [1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 33]) {
        for (const first of [0, 64 - count]) {
          const part = latents.subarray(first * spec.latentSize, (first + count) * spec.latentSize);
          expect(generator.generate(part, count)).toEqual(
            all.subarray(first * length, (first + count) * length),
          );
        }
      }
    });

    test("answers stay as they were given", () => {
      const first = generator.generate(latentsOf(2, spec.latentSize), 2);
      const copy = first.slice();
      generator.generate(latentsOf(5, spec.latentSize), 5);
      expect(first).toEqual(copy);
    });
  });
});

describe("our kernel", () => {
  test("more samples than a batch holds are the same samples", async () => {
    const { load, length } = network(NETWORKS.leaky!);
    const generator = await load(LOAD.wasm);
    const latents = latentsOf(130, 5);
    const all = generator.generate(latents, 130);
    expect(all.subarray(129 * length)).toEqual(generator.generate(latents.subarray(129 * 5), 1));
  });

  test("zeros left out or not: the same to the bit, signs of zeros included", async () => {
    const generator = await network({ latentSize: 7, layers: [dense(9, "linear")], bias: -0 }).load(
      LOAD.wasm,
    );
    const latents = latentsOf(4, 7).fill(0, 0, 7);
    const [alone, among] = [generator.generate(latents, 1), generator.generate(latents, 4)];
    expect(new Int32Array(among.buffer, 0, 9)).toEqual(new Int32Array(alone.buffer));
  });

  test("int8: no sum leaves 32 bits, however many inputs are at their largest", async () => {
    const latentSize = 1501;
    const { load, files, weights } = network({ latentSize, layers: [dense(33, "linear")], bias: 0 }, "int8");
    // Every weight 127, every scale 1 / 127; biases and scales come first.
    const bytes = files.get("generator.0.bin")!;
    new Float32Array(bytes.buffer, 0, 33).fill(0);
    new Float32Array(bytes.buffer, 33 * 4, 33).fill(1 / 127);
    new Int8Array(bytes.buffer, 66 * 4).fill(127);
    expect(bytes).toHaveLength(66 * 4 + weights["dense0/kernel"]!.length);
    const generator = await load(LOAD.wasm);
    for (const count of [1, 4]) {
      for (const value of [3, -3]) {
        const outputs = generator.generate(new Float32Array(count * latentSize).fill(value), count);
        for (const output of outputs) expect(output).toBeCloseTo(value * latentSize, 2);
      }
    }
  });

  test("int8: what is no number stays none, and its neighbours stay numbers", async () => {
    const generator = await network({ latentSize: 7, layers: [dense(9, "linear")] }, "int8").load(LOAD.wasm);
    const latents = latentsOf(2, 7);
    latents[3] = Number.NaN;
    const outputs = generator.generate(latents, 2);
    expect(Array.from(outputs, Number.isNaN)).toEqual(Array.from(outputs, (_, i) => i < 9));
  });

  test("refuses weights' own files that end too early", async () => {
    const { load, files } = network(NETWORKS.leaky!, "float16");
    files.set("generator.0.bin", files.get("generator.0.bin")!.slice(0, -2));
    await expect(load(LOAD.wasm)).rejects.toThrow(
      /^net\/manifest\.json: its weight files end inside dense2\/kernel float16 \[32,31\]\. Export/,
    );
  });

  test("takes its memory once: 2,000 requests later it has the same", async () => {
    const memories: WebAssembly.Memory[] = [];
    const { Memory } = WebAssembly;
    WebAssembly.Memory = class extends Memory {
      constructor(descriptor: WebAssembly.MemoryDescriptor) {
        super(descriptor);
        memories.push(this);
      }
    };
    const { load } = network(NETWORKS.relu!);
    const generator = await load(LOAD.wasm).finally(() => {
      WebAssembly.Memory = Memory;
    });
    const bytes = () => memories.map(({ buffer }) => buffer.byteLength);
    const before = bytes();
    for (let i = 0; i < 2000; i++) generator.generate(latentsOf(1 + (i % 64), 64), 1 + (i % 64));
    expect(before).toHaveLength(1);
    expect(bytes()).toEqual(before);
    expect(() => memories[0]!.grow(1)).toThrow(RangeError);
  });

  test.each([
    [
      "other weights",
      (json: string) => json.replace('"dense1/kernel"', '"dense7/kernel"'),
      /^net\/model\.json: expected dense1\/kernel float32 \[63,32\], found dense7\/kernel float32 \[63,32\]\. Export/,
    ],
    [
      "another shape",
      (json: string) => json.replace("[63,32]", "[32,63]"),
      /found dense1\/kernel float32 \[32,63\]/,
    ],
    [
      "another number format",
      (json: string) => json.replace('"float32"}]', '"int32"}]'),
      /found dense2\/bias int32/,
    ],
    [
      "missing files",
      (json: string) => json.replace('"weights.0.bin"', ""),
      /files end inside dense0\/kernel/,
    ],
    ["no weights", () => "{}", /expected dense0\/kernel float32 \[5,63\], found no more weights/],
  ])("refuses %s by name", async (_, alter, message) => {
    const { load, files } = network(NETWORKS.leaky!);
    const json = new TextDecoder().decode(files.get("model.json"));
    expect(alter(json)).not.toBe(json);
    files.set("model.json", new TextEncoder().encode(alter(json)));
    await expect(load(LOAD.wasm)).rejects.toThrow(message);
    await expect(load(LOAD.wasm)).rejects.toMatchObject({ name: "BundleError" });
  });

  test.each([
    ["a convolution of a row of numbers", [conv(3, 1, "relu")], /layer 0, conv, can't take 5 numbers/],
    [
      "a dense layer on an image",
      [{ kind: "reshape" as const, shape: [5, 1, 1] as [number, number, number] }, dense(31, "relu")],
      /layer 1, dense, can't take 5×1×1 numbers/,
    ],
    [
      "an image of another size",
      [{ kind: "reshape" as const, shape: [2, 2, 1] as [number, number, number] }],
      /layer 0: 5 numbers don't become 2×2×1/,
    ],
  ])("refuses %s", async (_, layers, message) => {
    const { manifest, files } = network(NETWORKS.leaky!);
    const altered = { ...manifest, generator: { ...manifest.generator, layers } };
    await expect(loadWasmGenerator(kernel, altered, async (path) => files.get(path)!)).rejects.toThrow(
      message,
    );
  });

  test("refuses layers that don't end in the output", async () => {
    const { manifest, files } = network(NETWORKS.leaky!);
    const altered = {
      ...manifest,
      output: { kind: "vector", shape: [30], range: null },
    } as unknown as Manifest;
    const load = loadWasmGenerator(kernel, altered, async (path) => files.get(path)!);
    await expect(load).rejects.toThrow(
      /^net\/manifest\.json: the last layer gives 31 numbers, the output has 30\./,
    );
  });
});

describe("activations", () => {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const values = new Float32Array(memory.buffer, 0, 4);
  type Activation = (values: number, bytes: number, slope?: number) => void;
  const exports = loadKernel<Record<string, Activation>>("generator", memory);
  const functions = {
    relu: exports.relu!,
    "leaky-relu": exports.leakyRelu!,
    sigmoid: exports.sigmoid!,
    tanh: exports.tanh!,
  };
  const input = fc.oneof(
    fc.float({ min: -100, max: 100, noNaN: true }),
    fc.float({ min: -1, max: 1, noNaN: true }),
    fc
      .constantFrom(0, -0, 100, -100, 88, -88, 87, 44, 1e-30, 3e38, -3e38, Infinity, -Infinity)
      .map(Math.fround),
  );

  test.each(Object.entries(functions))("%s: as Math has it within 3e-7, relative above 1", (name, run) => {
    fc.assert(
      fc.property(fc.array(input, { minLength: 4, maxLength: 4 }), (inputs) => {
        values.set(inputs);
        run(0, 16, 0.2);
        for (const [i, x] of inputs.entries()) {
          const expected = activate(name as ActivationName, x);
          const close = Math.abs(values[i]! - expected) <= 3e-7 * Math.max(1, Math.abs(expected));
          expect(close || values[i] === expected, `${name}(${x}) = ${values[i]}, not ${expected}`).toBe(true);
        }
      }),
      { numRuns: 2000 },
    );
  });

  test.each(Object.entries(functions))("%s: what is no number stays none", (_, run) => {
    values.set([1, Number.NaN, -1, 0]);
    run(0, 16, 0.2);
    expect(Array.from(values, Number.isNaN)).toEqual([false, true, false, false]);
  });
});

describe("which engine runs", () => {
  test("our kernel runs every layer and activation that manifests may have", () => {
    const { layers } = manifestSchema.shape.generator.shape;
    const all = Object.values(NETWORKS).flatMap((network) => network.layers);
    expect(layers.safeParse(all).success).toBe(true);
    const kinds = layers.element.options.map(({ shape }) => shape.kind.value);
    expect(new Set(all.map(({ kind }) => kind))).toEqual(new Set(kinds));
    const activations = all.flatMap((layer) => ("activation" in layer ? [layer.activation] : []));
    expect(new Set(activations)).toEqual(new Set(ACTIVATIONS));
    expect(generatorEngine({ generator: { layers: all } } as unknown as Manifest)).toBe("wasm");
  });

  test.each([
    ["another kind of layer", [dense(3, "relu"), { kind: "recurrent" }]],
    ["upsampling without a convolution", [...NETWORKS.upsampled!.layers, { kind: "upsample", factor: 2 }]],
  ])("TF.js runs what our kernel doesn't know: %s", (_, layers) => {
    expect(generatorEngine({ generator: { layers } } as unknown as Manifest)).toBe("tfjs");
  });
});
