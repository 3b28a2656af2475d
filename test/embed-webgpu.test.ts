/** The embed on WebGPU, in Chromium on its GPU in software: what it draws, when it is taken, and what happens without. */

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type LocalServer, startServer } from "../cli/workerd.ts";
import type { WeightType } from "../shared/manifest.ts";
import { complaintsOf, hasChromium, launchChromium, SOFTWARE_GPU, withoutChromium } from "./browser.ts";
import { jsonOf } from "./edge-client.ts";
import { GREY, PLANE, writeSmallBundle } from "./small-bundle.ts";
import {
  conv,
  convTranspose,
  dense,
  latentsOf,
  NETWORKS,
  type Network,
  network,
  reference,
} from "./small-networks.ts";

/**
 * A sum of k products is within about k · 2⁻²⁴ of the sum of their sizes, in float32, and in practice √k · 2⁻²⁴: of the
 * 300 here, 1e-6 of numbers up to 3, a few layers deep. Sigmoid and tanh add an exponential within 3 + 2|x| units in the
 * last place, as WGSL asks for. Weights of all types are exact in float32.
 */
const TOLERANCE = 1e-5;

/** Every kind of layer, activation and weight; on both sides of blocks of weights (64 inputs, 256 of int8) and of tiles. */
const CASES: readonly (readonly [string, Network, readonly WeightType[]])[] = [
  ["dense", { latentSize: 5, layers: [dense(300, "relu"), dense(40, "sigmoid")] }, ["float32", "int8"]],
  ["halves", NETWORKS.leaky!, ["float16"]],
  [
    "transposed",
    {
      latentSize: 6,
      layers: [
        dense(2 * 3 * 18, "relu"),
        { kind: "reshape", shape: [2, 3, 18] },
        convTranspose(9, 4, 2, "leaky-relu"),
        convTranspose(3, 5, 3, "tanh"),
      ],
    },
    ["float32", "int8"],
  ],
  [
    "upsampled",
    {
      latentSize: 12,
      layers: [
        { kind: "reshape", shape: [3, 2, 2] },
        conv(17, 3, "sigmoid"),
        { kind: "upsample", factor: 2 },
        conv(4, 5, "linear"),
      ],
    },
    ["float32", "int8"],
  ],
];

describe.skipIf(!hasChromium)(`WebGPU in Chromium${withoutChromium}`, () => {
  let folder: string;
  let server: LocalServer;
  /** It has a GPU, in software. */
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let complaints: string[];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "imle-webgpu-"));
    const bundles = ["single", "plane"].map((name) => join(folder, name));
    // One layer, so that the GPU in software is soon ready.
    const common = { hidden: [], withoutRows: true } as const;
    await writeSmallBundle(bundles[0]!, { ...common, name: "single", output: GREY });
    await writeSmallBundle(bundles[1]!, { ...common, name: "plane", output: PLANE });
    server = await startServer({ bundles });
    browser = await launchChromium(...SOFTWARE_GPU);
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const openPage = async (from = browser) => {
    context = await from.newContext();
    page = await context.newPage();
    complaints = complaintsOf(page);
  };
  beforeEach(() => openPage());
  afterEach(() => context.close());

  const open = async (body: string) => {
    await context.route("**/page", (route) =>
      route.fulfill({ contentType: "text/html", body: `<!doctype html><title>Page</title>${body}` }),
    );
    await page.goto(`${server.url}/page`);
  };

  describe("layers", () => {
    /** Our kernel's generator and the GPU's. */
    const openGenerators = async () => {
      const { outputFiles } = await build({
        stdin: {
          contents:
            'export { loadWasmGenerator } from "./edge/generator-wasm.ts";' +
            'export { createWebgpuGenerator } from "./edge/embed/webgpu/generator-webgpu.ts";',
          resolveDir: fileURLToPath(new URL("..", import.meta.url)),
        },
        bundle: true,
        write: false,
        format: "iife",
        globalName: "edge",
      });
      await open("");
      await page.addScriptTag({ content: outputFiles[0]!.text });
    };

    interface Asked {
      readonly latents: readonly number[];
      readonly latentSize: number;
      /** Samples drawn again, together. */
      readonly parts: readonly (readonly [first: number, count: number])[];
    }

    const drawOnBoth = async ({ manifest, files }: ReturnType<typeof network>, asked: Asked) => {
      const kernel = await readFile(new URL("../kernels/build/generator.wasm", import.meta.url), "base64");
      const encoded = [...files].map(([path, bytes]) => [path, Buffer.from(bytes).toString("base64")]);
      return page.evaluate(
        async ({ manifest, encoded, kernel, latents, latentSize, parts }) => {
          // biome-ignore lint/suspicious/noExplicitAny: the bundle's global
          const { loadWasmGenerator, createWebgpuGenerator } = (globalThis as any).edge;
          const decode = (text: string) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
          const held = new Map(encoded.map(([path, text]) => [path, decode(text!)] as const));
          const module = new WebAssembly.Module(decode(kernel));
          const wasm = await loadWasmGenerator(module, manifest, async (path: string) => held.get(path));
          // biome-ignore lint/suspicious/noExplicitAny: the browser's
          const adapter = await (navigator as any).gpu.requestAdapter();
          const gpu = await createWebgpuGenerator(adapter, wasm.network);
          const all = Float32Array.from(latents);
          const rows = (first: number, count: number) =>
            all.slice(first * latentSize, (first + count) * latentSize);
          const count = all.length / latentSize;
          const drawn: Float32Array = await gpu.generate(all, count);
          // At once: requests don't wait for each other.
          const again: Float32Array[] = await Promise.all(
            parts.map(([first, count]) => gpu.generate(rows(first, count), count)),
          );
          const withNaN = all.slice();
          withNaN.fill(Number.NaN, latentSize, 2 * latentSize);
          const besideNaN: Float32Array = await gpu.generate(withNaN, count);
          gpu.dispose();
          return {
            besideNaN: Array.from(besideNaN),
            wasm: Array.from(wasm.generate(all, count) as Float32Array),
            drawn: Array.from(drawn),
            again: again.map((values) => Array.from(values)),
          };
        },
        { manifest, encoded, kernel, ...asked },
      );
    };

    test.each(CASES)(`%s: as the manifest defines them, within ${TOLERANCE}`, async (_, spec, dtypes) => {
      await openGenerators();
      const { latentSize } = spec;
      // More than a workgroup's tile of pixels.
      const count = 70;
      const parts = [0, 31, 33, 69].map((first) => [first, first === 31 ? 8 : 1] as const);
      const latents = latentsOf(count, latentSize);
      for (const dtype of dtypes) {
        const { weights, length, ...rest } = network(spec, dtype);
        const asked = { latents: Array.from(latents), latentSize, parts };
        const { wasm, drawn, again, besideNaN } = await drawOnBoth({ weights, length, ...rest }, asked);
        expect(drawn).toHaveLength(count * length);
        for (const row of [0, 31, 32, 69]) {
          const expected = reference(spec, weights, latents.subarray(row * latentSize));
          expect(farthest(drawn.slice(row * length), expected)).toBeLessThan(TOLERANCE);
        }
        // With int8 weights our kernel itself rounds inputs to 16 bits.
        expect(farthest(drawn, wasm)).toBeLessThan(dtype === "int8" ? 3e-4 : TOLERANCE);
        for (const [i, [first, size]] of parts.entries()) {
          expect(again[i]).toEqual(drawn.slice(first * length, (first + size) * length));
        }
        for (const row of [0, 2]) {
          const of = (values: readonly number[]) => values.slice(row * length, (row + 1) * length);
          expect(of(besideNaN)).toEqual(of(drawn));
        }
      }
      expect(complaints).toEqual([]);
    });
  });

  const openEmbed = async () => {
    await open('<script type="module">globalThis.embed = await import("/embed.js")</script>');
    await page.waitForFunction(() => Reflect.has(globalThis, "embed"));
  };

  /** Draws in turn; of each request its samples' numbers and, after it, the engine. */
  const draw = (options: object, requests: readonly object[], model = "single") =>
    page.evaluate(
      async ([options, requests, model]) => {
        const generator = await Reflect.get(globalThis, "embed").loadGenerator(`/models/${model}/`, options);
        const first: string = generator.engine;
        const drawn = [];
        for (const request of requests) {
          const samples = await generator.sample(request);
          // biome-ignore lint/suspicious/noExplicitAny: the browser's values
          drawn.push(samples.flatMap((sample: any) => Array.from(sample.pixels ?? sample)) as number[]);
        }
        const last: string = generator.engine;
        generator.dispose();
        return { engines: [first, last], drawn };
      },
      [options, requests, model] as const,
    );

  const failure = (options: object) =>
    page.evaluate(async (options) => {
      const loading = Reflect.get(globalThis, "embed").loadGenerator("/models/single/", options);
      return loading.then(
        () => null,
        ({ name, code, message }: Error & { code: string }) => ({ name, code, message }),
      );
    }, options);

  async function served(query: string, model = "single"): Promise<number[]> {
    const { samples } = await jsonOf(
      await fetch(`${server.url}/models/${model}/sample?format=json&${query}`),
    );
    // biome-ignore lint/suspicious/noExplicitAny: JSON
    return samples.flatMap(({ pixels, vector }: any) => pixels ?? vector);
  }

  describe('engine: "webgpu"', () => {
    test.each([true, false])(
      "draws the server's samples within a grey level (worker: %s)",
      async (worker) => {
        await openEmbed();
        const requests = [
          { n: 64, seed: 5 },
          { n: 300, seed: 5 },
          { n: 1, seed: 5 },
        ];
        const { engines, drawn } = await draw({ engine: "webgpu", worker }, requests);
        expect(engines).toEqual(["webgpu", "webgpu"]);
        const [few, many, one] = drawn;
        const expected = await served("n=64&seed=5");
        expect(farthest(few!, expected)).toBeLessThanOrEqual(1);
        // They differ where a pixel lies between two levels, which is rare.
        expect(few!.filter((value, i) => value !== expected[i]).length).toBeLessThan(few!.length / 1000);
        expect(many!.slice(0, few!.length)).toEqual(few);
        expect(one).toEqual(few!.slice(0, 784));
        expect(complaints).toEqual([]);
      },
    );

    test("draws vectors, and ways between samples", async () => {
      await openEmbed();
      const { drawn } = await draw({ engine: "webgpu" }, [{ n: 64, seed: 7 }], "plane");
      expect(farthest(drawn[0]!, await served("n=64&seed=7", "plane"))).toBeLessThan(TOLERANCE);
      const path = await page.evaluate(async () => {
        const { loadGenerator } = Reflect.get(globalThis, "embed");
        const generator = await loadGenerator("/models/plane/", { engine: "webgpu" });
        const steps: Float32Array[] = await generator.interpolate(7, 8, 300);
        return steps.map((step) => Array.from(step));
      });
      expect(path[0]).toEqual(drawn[0]!.slice(0, 2));
      expect(farthest(path[299]!, await served("n=1&seed=8", "plane"))).toBeLessThan(TOLERANCE);
    });

    test("by the tag", async () => {
      await open(
        '<script type="module" src="/embed.js"></script>' +
          '<imle-sample src="/models/single/" n="4" seed="5" engine="webgpu"></imle-sample>' +
          '<imle-sample src="/models/single/" engine="cuda"></imle-sample>',
      );
      await page.locator("imle-sample button").first().waitFor();
      const alert = page.locator("imle-sample [role=alert]");
      await expect
        .poll(() => alert.textContent())
        .toBe('No samples: engine: expected auto, wasm, webgpu, got "cuda"');
    });

    test("aborts between batches; frees the GPU when disposed of", async () => {
      await noteDevices();
      await openEmbed();
      const [aborted, after, refused, lost] = await page.evaluate(async () => {
        const { loadGenerator } = Reflect.get(globalThis, "embed");
        const generator = await loadGenerator("/models/single/", { engine: "webgpu", worker: false });
        const nameOf = (promise: Promise<unknown>) =>
          promise.then(
            () => generator.engine,
            (error: { name: string; code?: string }) => error.code || error.name,
          );
        const controller = new AbortController();
        const drawing = nameOf(generator.sample({ n: 10_000, signal: controller.signal }));
        setTimeout(() => controller.abort(), 10);
        const aborted = await drawing;
        const after = await nameOf(generator.sample({ n: 1 }));
        const cut = nameOf(generator.sample({ n: 10_000 }));
        generator.dispose();
        const { reason } = await Reflect.get(globalThis, "devices")[0].lost;
        return [aborted, after, await cut, reason].map(String);
      });
      // Of DOMExceptions the code is a number, 20: AbortError.
      expect([aborted, after, refused, lost]).toEqual(["20", "webgpu", "disposed", "destroyed"]);
    });
  });

  /** Before the embed runs: keeps every device in `devices`. */
  const noteDevices = () =>
    page.addInitScript(() => {
      const devices: unknown[] = [];
      const { prototype } = Reflect.get(globalThis, "GPUAdapter");
      const { requestDevice } = prototype;
      prototype.requestDevice = async function (...options: []) {
        const device = await requestDevice.apply(this, options);
        devices.push(device);
        return device;
      };
      Reflect.set(globalThis, "devices", devices);
    });

  describe("where the GPU fails, WebAssembly goes on", () => {
    const engine = "webgpu";
    // On the page's own thread, where the test can reach the device.
    const worker = false;

    test("its device is lost in the middle of a request", async () => {
      await noteDevices();
      await openEmbed();
      await page.evaluate(() => {
        const { prototype } = Reflect.get(globalThis, "GPUQueue");
        const { submit } = prototype;
        let submits = 0;
        prototype.submit = function (...buffers: [never]) {
          submit.apply(this, buffers);
          // The first compares; then there are two batches.
          if (++submits === 3) Reflect.get(globalThis, "devices")[0].destroy();
        };
      });
      const requests = [
        { n: 300, seed: 5 },
        { n: 64, seed: 6 },
      ];
      const lost = await draw({ engine, worker }, requests);
      const right = await draw({ engine: "wasm", worker }, requests);
      expect(lost.engines).toEqual(["webgpu", "wasm"]);
      expect(farthest(lost.drawn[0]!, right.drawn[0]!)).toBeLessThanOrEqual(1);
      expect(lost.drawn[0]!.slice(256 * 784)).toEqual(right.drawn[0]!.slice(256 * 784));
      expect(lost.drawn[1]).toEqual(await served("n=64&seed=6"));
      expect(complaints).toEqual([]);
    });

    test("it refuses a batch", async () => {
      await openEmbed();
      await page.evaluate(() => {
        const { prototype } = Reflect.get(globalThis, "GPUComputePassEncoder");
        const { dispatchWorkgroups } = prototype;
        let dispatches = 0;
        prototype.dispatchWorkgroups = function (x: number, ...others: number[]) {
          // More than there may be, once it was seen to work.
          dispatchWorkgroups.call(this, ++dispatches > 1 ? 65_536 : x, ...others);
        };
      });
      const { engines, drawn } = await draw({ engine, worker }, [{ n: 64, seed: 6 }]);
      expect(engines).toEqual(["webgpu", "wasm"]);
      expect(drawn[0]).toEqual(await served("n=64&seed=6"));
    });
  });

  describe("auto", () => {
    interface Pretended {
      /** Of a sample. */
      readonly wasmMs: number;
      /** Of a batch. */
      readonly gpuMs: number;
      readonly isReal?: boolean;
      readonly breaks?: boolean;
      readonly hangs?: boolean;
    }

    /**
     * A clock that goes on by what our kernel and the GPU are said to take, so that nothing hangs on this machine's
     * speed; and the GPU in software passed off as a real one, unless the test is about that. What takes long may take
     * as long as it likes.
     */
    const pretend = (pretended: Pretended) =>
      page.addInitScript(({ wasmMs, gpuMs, isReal = true, breaks = false, hangs = false }) => {
        let clock = 0;
        performance.now = () => clock;
        const { setTimeout } = globalThis;
        const patientTimeout = (done: () => void, ms: number, ...values: []) =>
          ms >= 1_000 && !hangs ? 0 : setTimeout(done, ms, ...values);
        Reflect.set(globalThis, "setTimeout", patientTimeout);
        const { Instance } = WebAssembly;
        WebAssembly.Instance = class {
          readonly exports: WebAssembly.Exports;
          constructor(module: WebAssembly.Module, imports?: WebAssembly.Imports) {
            const kernel = new Instance(module, imports).exports as Record<
              string,
              (...values: number[]) => void
            >;
            const denseFloat32 = (...values: number[]) => {
              clock += wasmMs * values[2]!;
              kernel["denseFloat32"]!(...values);
            };
            this.exports = { ...kernel, denseFloat32 };
          }
        };
        const prototypeOf = (name: string) => Reflect.get(globalThis, name).prototype;
        const { submit } = prototypeOf("GPUQueue");
        prototypeOf("GPUQueue").submit = function (...buffers: [never]) {
          clock += gpuMs;
          Reflect.set(globalThis, "submits", (Reflect.get(globalThis, "submits") ?? 0) + 1);
          submit.apply(this, buffers);
        };
        if (isReal) {
          Object.defineProperty(prototypeOf("GPUAdapterInfo"), "isFallbackAdapter", { value: false });
        }
        if (hangs) prototypeOf("GPUAdapter").requestDevice = () => new Promise(() => {});
        const { createShaderModule } = prototypeOf("GPUDevice");
        prototypeOf("GPUDevice").createShaderModule = function ({ code }: { code: string }) {
          const wrong = code.replace("sums[0] += p.x * k", "sums[0] -= p.x * k");
          return createShaderModule.call(this, { code: breaks ? wrong : code });
        };
      }, pretended);
    const submits = () => page.evaluate(() => Reflect.get(globalThis, "submits") ?? 0);
    const worker = false;

    test("takes a GPU that pays, for requests of as many samples as it pays for", async () => {
      await pretend({ wasmMs: 1, gpuMs: 29.5 });
      await openEmbed();
      const few = await draw({ worker }, [{ n: 29, seed: 6 }]);
      const untilThen = await submits();
      expect(few.engines).toEqual(["webgpu", "webgpu"]);
      expect(few.drawn[0]).toEqual(await served("n=29&seed=6"));
      const many = await draw({ worker }, [{ n: 30, seed: 6 }]);
      // As many again to measure it, and the one that drew.
      expect(await submits()).toBe(2 * untilThen + 1);
      expect(farthest(many.drawn[0]!, await served("n=30&seed=6"))).toBeLessThanOrEqual(1);
    });

    test.each([
      ["is slower", { wasmMs: 1, gpuMs: 65 }],
      ["would draw what takes no time anyway", { wasmMs: 0.07, gpuMs: 0 }],
      ["is one in software", { wasmMs: 1, gpuMs: 0, isReal: false }],
      ["draws other samples", { wasmMs: 1, gpuMs: 0, breaks: true }],
      ["doesn't answer", { wasmMs: 1, gpuMs: 0, hangs: true }],
    ])("leaves a GPU alone that %s", async (_, pretended) => {
      await pretend(pretended);
      await openEmbed();
      const { engines, drawn } = await draw({ worker }, [{ n: 64, seed: 6 }]);
      expect(engines).toEqual(["wasm", "wasm"]);
      expect(drawn[0]).toEqual(await served("n=64&seed=6"));
    });
  });

  describe("without", () => {
    /** As browsers come: there is WebGPU, and no adapter. */
    let plain: Browser;
    beforeAll(async () => {
      plain = await launchChromium();
    });
    afterAll(() => plain?.close());
    beforeEach(async () => {
      await context.close();
      await openPage(plain);
    });

    test("a GPU: auto draws on WebAssembly, and who asks for the GPU is told", async () => {
      await openEmbed();
      const { engines, drawn } = await draw({}, [{ n: 64, seed: 6 }]);
      expect(engines).toEqual(["wasm", "wasm"]);
      expect(drawn[0]).toEqual(await served("n=64&seed=6"));
      expect(await failure({ engine: "webgpu" })).toEqual({
        name: "EmbedError",
        code: "no-webgpu",
        message:
          'engine "webgpu": this browser finds no GPU that it lets pages use; ' +
          "leave the engine out, and WebAssembly draws",
      });
    });

    test("WebGPU: who asks for it is told", async () => {
      await page.addInitScript(() => {
        Reflect.deleteProperty(Object.getPrototypeOf(navigator), "gpu");
      });
      await openEmbed();
      const error = await failure({ engine: "webgpu", worker: false });
      expect(error).toMatchObject({ code: "no-webgpu", message: expect.stringMatching(/has no WebGPU/) });
      expect((await draw({ worker: false }, [{ n: 1, seed: 6 }])).drawn[0]).toEqual(
        await served("n=1&seed=6"),
      );
    });
  });

  test("a GPU that can't hold the model, or draws it wrongly: who asks for it is told", async () => {
    await openEmbed();
    const refused = await page.evaluate(async () => {
      const { loadGenerator } = Reflect.get(globalThis, "embed");
      const { prototype } = Reflect.get(globalThis, "GPUAdapter");
      const { requestDevice } = prototype;
      const options = { engine: "webgpu", worker: false };
      const messageOf = () =>
        loadGenerator("/models/single/", options).then(
          () => "",
          (error: Error) => error.message,
        );
      prototype.requestDevice = function ({ requiredLimits }: { requiredLimits: Record<string, number> }) {
        return requestDevice.call(this, { requiredLimits: { ...requiredLimits, maxBufferSize: 2 ** 50 } });
      };
      const small = await messageOf();
      prototype.requestDevice = requestDevice;
      const device = Reflect.get(globalThis, "GPUDevice").prototype;
      const { createShaderModule } = device;
      device.createShaderModule = function ({ code }: { code: string }) {
        return createShaderModule.call(this, {
          code: code.replace("sums[i] * scale +", "sums[i] * scale -"),
        });
      };
      return [small, await messageOf()] as string[];
    });
    expect(refused[0]).toMatch(
      /^engine "webgpu": the GPU can't draw model "single" \(.*(limit|Buffer).*\); leave/,
    );
    expect(refused[1]).toMatch(/can't draw model "single" \(it computes other samples\); leave/);
  });
});

function farthest(actual: readonly number[], expected: readonly number[]): number {
  return expected.reduce((worst, value, i) => Math.max(worst, Math.abs(value - actual[i]!)), 0);
}
