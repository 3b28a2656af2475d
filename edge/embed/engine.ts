/** A model in memory, drawing where it was loaded: in a worker, or on the page's own thread. */

import "./without-eval.ts";
import kernelBytes from "../../kernels/build/generator.wasm";
import { sampleInputs } from "../../shared/generator-inputs.ts";
import { BundleError, inputSpecOf, type Manifest } from "../../shared/manifest.ts";
import { generatorEngine } from "../generator.ts";
import { loadWasmGenerator } from "../generator-wasm.ts";
import { labelIndex, labelOfSample } from "../label.ts";
import { Problem } from "../problem.ts";
import { asExamples } from "../sampling.ts";
import { bundleFiles, fetchManifest, type OnProgress } from "./bundle-files.ts";
import { chooseDrawing } from "./choose-drawing.ts";
import { EmbedError } from "./embed-error.ts";
import type { DrawingEngine, EngineChoice } from "./engine-choice.ts";
import { type Point, pathInputs } from "./path-inputs.ts";

export interface SampleRequest {
  readonly seed: number;
  readonly count: number;
  readonly temperature: number;
  readonly label: string | undefined;
}

export interface PathRequest {
  readonly from: Point;
  readonly to: Point;
  readonly steps: number;
  readonly temperature: number;
}

/** Examples one after the other, as /sample's JSON has them: bytes of images, numbers of vectors. */
export interface Drawn {
  readonly values: Uint8Array<ArrayBuffer> | Float32Array<ArrayBuffer>;
  /** The class of each; null where the model has none. */
  readonly labels: readonly (string | null)[];
  /** The engine's, now. */
  readonly drawnOn: DrawingEngine;
}

export interface Engine {
  readonly manifest: Manifest;
  /** What draws requests that are large enough for it. */
  readonly drawnOn: DrawingEngine;
  sample(request: SampleRequest, signal: AbortSignal): Promise<Drawn>;
  interpolate(request: PathRequest, signal: AbortSignal): Promise<Drawn>;
  /** Frees its memory; what is still being drawn should have been aborted. */
  dispose(): void;
}

/**
 * @param url the manifest's
 * @throws EmbedError
 */
export async function loadEngine(
  url: string,
  choice: EngineChoice,
  signal: AbortSignal,
  onProgress: OnProgress,
): Promise<Engine> {
  if (!globalThis.crypto?.subtle) {
    throw new EmbedError(
      "insecure-page",
      "this page was not loaded securely, so the model's hashes can't be checked; open it by https or on localhost",
    );
  }
  const module = await compileKernel();
  const manifest = await fetchManifest(url, signal);
  if (generatorEngine(manifest) !== "wasm") {
    throw new EmbedError(
      "unsupported-model",
      `${url}: model "${manifest.name}" has layers that only TF.js runs; load its model.json with TF.js`,
    );
  }
  const generator = await loadWasmGenerator(
    module,
    manifest,
    bundleFiles(url, manifest, signal, onProgress),
  ).catch((error: unknown) => {
    throw error instanceof BundleError ? new EmbedError("altered", error.message) : error;
  });

  const drawing = await chooseDrawing(choice, generator, manifest);
  if (signal.aborted) drawing.dispose();
  signal.throwIfAborted();
  const inputSpec = inputSpecOf(manifest);

  /** Draws batch by batch, so that an abort is heard in between. */
  const inBatches = async (
    count: number,
    signal: AbortSignal,
    inputsOf: (first: number, count: number) => Float32Array<ArrayBuffer>,
  ): Promise<Drawn["values"]> => {
    const length = manifest.output.shape.reduce<number>((product, side) => product * side, 1);
    const size = count * length;
    const values = manifest.output.kind === "image" ? new Uint8Array(size) : new Float32Array(size);
    const request = drawing.begin(count);
    for (let first = 0; first < count; ) {
      if (first > 0 && request.isBlocking) await new Promise((resolve) => setTimeout(resolve));
      signal.throwIfAborted();
      const rows = Math.min(request.batch, count - first);
      const drawn = await request.draw(inputsOf(first, rows), rows, signal);
      values.set(asExamples(manifest, drawn), first * length);
      first += rows;
    }
    return values;
  };

  return {
    manifest,
    get drawnOn() {
      return drawing.engine;
    },
    async sample({ seed, count, temperature, label }, signal) {
      const index = knownLabel(manifest, label);
      const values = await inBatches(count, signal, (first, count) =>
        sampleInputs(inputSpec, { seed, first, count, temperature, label: index }),
      );
      const labels = Array.from({ length: count }, (_, i) => labelOfSample(manifest, index, seed, i) ?? null);
      return { values, labels, drawnOn: drawing.engine };
    },
    async interpolate({ from, to, steps, temperature }, signal) {
      const ends = [from, to].map(({ seed, label }) => ({ seed, label: knownLabel(manifest, label) }));
      const inputs = pathInputs(inputSpec, ends[0]!, ends[1]!, steps, temperature);
      const size = inputs.length / steps;
      const values = await inBatches(steps, signal, (first, count) =>
        inputs.subarray(first * size, (first + count) * size),
      );
      return { values, labels: Array.from({ length: steps }, () => null), drawnOn: drawing.engine };
    },
    dispose: () => drawing.dispose(),
  };
}

async function compileKernel(): Promise<WebAssembly.Module> {
  if (typeof WebAssembly !== "object" || !WebAssembly.validate(kernelBytes)) {
    throw new EmbedError(
      "unsupported-browser",
      "this browser has no WebAssembly SIMD, which the generator needs; " +
        "Chrome 91, Firefox 89 and Safari 16.4 have it, and their successors",
    );
  }
  try {
    return await WebAssembly.compile(kernelBytes);
  } catch (error) {
    throw new EmbedError(
      "unsupported-browser",
      "this page's content security policy forbids WebAssembly; add 'wasm-unsafe-eval' to its script-src " +
        `(${(error as Error).message})`,
    );
  }
}

function knownLabel(manifest: Manifest, label: string | undefined): number | undefined {
  try {
    return labelIndex(manifest, label);
  } catch (error) {
    throw error instanceof Problem ? new EmbedError("bad-parameter", error.message) : error;
  }
}
