/** A generator that runs on the page, in a worker where it can. */

import type { Manifest } from "../../shared/manifest.ts";
import { MAX_TEMPERATURE } from "../sample-limits.ts";
import type { OnProgress } from "./bundle-files.ts";
import { EmbedError } from "./embed-error.ts";
import type { Drawn, Engine } from "./engine.ts";
import { type DrawingEngine, ENGINE_CHOICES, type EngineChoice } from "./engine-choice.ts";
import { type GeneratedImage, generatedImage } from "./images.ts";
import { manifestUrl } from "./manifest-url.ts";
import type { Point } from "./path-inputs.ts";
import { disposed, loadInWorker, startWorker } from "./worker.ts";

/** An image, or, of models that draw vectors, the numbers in the data's own units. */
export type Sample = GeneratedImage | Float32Array<ArrayBuffer>;

export interface LoadOptions {
  /** Ends the loading. */
  readonly signal?: AbortSignal | undefined;
  /** Called as the weights arrive, and once for each file that was kept from last time. */
  readonly onProgress?: OnProgress | undefined;
  /** false: on the page's own thread, as where workers are refused. */
  readonly worker?: boolean | undefined;
  /**
   * What draws: wasm, to the bit what the server draws; webgpu, the same within rounding; auto, as if left out: the GPU
   * for requests of so many samples that it is faster, as measured on this model, and wasm for all others.
   */
  readonly engine?: EngineChoice | undefined;
}

export interface DrawOptions {
  /** Scales the latents, 0 to 2; 1 if left out. Less is nearer to the average, and less diverse. */
  readonly temperature?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface SampleOptions extends DrawOptions {
  /** How many, 1 to 10,000; 1 if left out. */
  readonly n?: number | undefined;
  /** A whole number from 0 to 2^53 − 1; random if left out. Equal seeds draw equal samples, here and on the server; see `engine`. */
  readonly seed?: number | undefined;
  /** A class, by its name; class-conditional models only. Left out: as in the training data. */
  readonly label?: string | undefined;
}

export interface LoadedGenerator<S extends Sample = GeneratedImage> {
  /** What the model is: its name, version, output, labels, … */
  readonly manifest: Manifest;
  /** webgpu: large requests are drawn on the GPU; it turns to wasm for good where the GPU fails. */
  readonly engine: DrawingEngine;
  /** Draws samples 0 … n − 1 of a seed. @throws EmbedError bad-parameter, disposed; or the signal's reason */
  sample(options?: SampleOptions): Promise<S[]>;
  /**
   * The way from one seed's first sample to another's, both among the steps.
   *
   * @param steps 2 to 10,000
   * @throws EmbedError bad-parameter, disposed; or the signal's reason
   */
  interpolate(a: number | Point, b: number | Point, steps: number, options?: DrawOptions): Promise<S[]>;
  /** Frees the memory and ends the worker. What is still being drawn is refused. */
  dispose(): void;
}

const MAX_COUNT = 10_000;

/**
 * Loads a model. Its weights are fetched once, checked against the manifest's hashes, and kept in Cache Storage under
 * the model's version.
 *
 * @param url a model, say https://example.org/models/glyphs/, or its manifest; left out: this page's server's default
 * @throws EmbedError whose message says what to do; or the signal's reason
 */
export async function loadGenerator<S extends Sample = GeneratedImage>(
  url = "/",
  options: LoadOptions = {},
): Promise<LoadedGenerator<S>> {
  const { signal = neverAborted(), onProgress = () => {}, worker = true, engine: choice = "auto" } = options;
  signal.throwIfAborted();
  if (!ENGINE_CHOICES.includes(choice)) {
    throw new EmbedError(
      "bad-parameter",
      `engine: expected ${ENGINE_CHOICES.join(", ")}, got ${JSON.stringify(choice)}`,
    );
  }
  const address = manifestUrl(url, document.baseURI);
  const started = worker ? await startWorker() : null;
  const engine = started
    ? await loadInWorker(started, address, choice, signal, onProgress)
    : await loadHere(address, choice, signal, onProgress);
  const { manifest } = engine;

  return {
    manifest,
    get engine() {
      return engine.drawnOn;
    },
    async sample({ n = 1, seed = randomSeed(), label, temperature = 1, signal } = {}) {
      whole("n", n, 1, MAX_COUNT);
      whole("seed", seed, 0, Number.MAX_SAFE_INTEGER);
      checkTemperature(temperature);
      const request = { seed, count: n, temperature, label };
      return split(manifest, await engine.sample(request, signal ?? neverAborted())) as S[];
    },
    async interpolate(a, b, steps, { temperature = 1, signal } = {}) {
      whole("steps", steps, 2, MAX_COUNT);
      checkTemperature(temperature);
      const request = { from: point("a", a), to: point("b", b), steps, temperature };
      return split(manifest, await engine.interpolate(request, signal ?? neverAborted())) as S[];
    },
    dispose: () => engine.dispose(),
  };
}

/** 32 random bits: short enough to type. */
export function randomSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0]!;
}

async function loadHere(
  url: string,
  choice: EngineChoice,
  signal: AbortSignal,
  onProgress: OnProgress,
): Promise<Engine> {
  const { loadEngine } = await import("./engine.ts"); // which a worker has of its own
  const engine = await loadEngine(url, choice, signal, onProgress);
  const lifetime = new AbortController();
  const whileAlive = (signal: AbortSignal) => AbortSignal.any([lifetime.signal, signal]);
  return {
    manifest: engine.manifest,
    get drawnOn() {
      return engine.drawnOn;
    },
    sample: (request, signal) => engine.sample(request, whileAlive(signal)),
    interpolate: (request, signal) => engine.interpolate(request, whileAlive(signal)),
    dispose() {
      lifetime.abort(disposed());
      engine.dispose();
    },
  };
}

/** Each sample with memory of its own, so that one kept doesn't keep them all. */
function split({ output }: Manifest, { values, labels }: Drawn): Sample[] {
  const length = values.length / labels.length;
  return labels.map((label, i) => {
    const numbers = values.slice(i * length, (i + 1) * length);
    return output.kind === "image"
      ? generatedImage(numbers as Uint8Array<ArrayBuffer>, output.shape, label)
      : (numbers as Float32Array<ArrayBuffer>);
  });
}

function point(name: string, end: number | Point): Point {
  const { seed, label } = typeof end === "number" ? { seed: end } : end;
  whole(name, seed, 0, Number.MAX_SAFE_INTEGER);
  return { seed, label };
}

function whole(name: string, value: number, least: number, most: number): void {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return;
  throw new EmbedError(
    "bad-parameter",
    `${name}: expected a whole number from ${least} to ${most}, got ${value}`,
  );
}

function checkTemperature(value: number): void {
  if (value >= 0 && value <= MAX_TEMPERATURE) return;
  throw new EmbedError("bad-parameter", `temperature: expected 0 to ${MAX_TEMPERATURE}, got ${value}`);
}

function neverAborted(): AbortSignal {
  return new AbortController().signal;
}
