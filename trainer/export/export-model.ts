/** From a trained generator and its data to a bundle: metrics, calibration, preview, files. */

import { basename, resolve } from "node:path";
import { MAX_FILE_BYTES } from "../../shared/manifest.ts";
import { sizeOf } from "../autodiff/tensor.ts";
import type { Config } from "../config.ts";
import type { Dataset } from "../data/dataset.ts";
import type { Engine } from "../engine/engine.ts";
import { DEFAULT_SAMPLE_COUNT, evaluate, isMeasurable } from "../evaluate.ts";
import { createSeededSampler, type FrozenGenerator } from "../generators/frozen.ts";
import { layerParameters } from "../generators/layers.ts";
import { InputError } from "../input-error.ts";
import { gatherFindings, resultsOf } from "../report/findings.ts";
import { publicConfig, readRun, runWithoutFolder } from "../report/run-record.ts";
import { trainingReport } from "../report/training-report.ts";
import type { Reporter } from "../run/reporter.ts";
import type { RunFolder } from "../run/run-folder.ts";
import { writeBundle } from "./bundle.ts";
import { madePublic } from "./made-public.ts";
import { outputSpecOf } from "./output-spec.ts";
import { prepareCheck } from "./prepare-check.ts";
import { previewCount, previewPng } from "./preview.ts";
import { storeWeights } from "./store-weights.ts";

export interface ExportRequest {
  readonly config: Config;
  /** The objective's name. */
  readonly objective: string;
  readonly out: string;
  readonly folder: RunFolder;
  readonly reporter: Reporter;
  readonly dataset: Dataset;
  readonly engine: Engine;
  readonly stepCount: number;
  readonly signal: AbortSignal;
  /** In the data's own units, as it was trained. */
  readonly generator: FrozenGenerator;
}

/** What model.onnx holds beside the weights is far less. */
const MAX_WEIGHTS = (MAX_FILE_BYTES - 2 ** 16) / Float32Array.BYTES_PER_ELEMENT;

/** @throws InputError if there are more weights than model.onnx, a single file, can hold at the edge */
export function checkExportable({
  layers,
  latentSize,
}: Pick<FrozenGenerator, "layers" | "latentSize">): void {
  const count = layerParameters(layers, latentSize)
    .flatMap(({ kernel, bias }) => [kernel, bias])
    .reduce((total, { shape }) => total + sizeOf(shape), 0);
  if (count > MAX_WEIGHTS) {
    throw new InputError(
      `config: the generator has ${count.toLocaleString("en")} weights, a bundle holds at most ` +
        `${MAX_WEIGHTS.toLocaleString("en")}. Make generator.hidden or generator.channels smaller.`,
    );
  }
}

/** @throws the signal's reason if it is aborted before the bundle is written */
export async function exportModel(request: ExportRequest): Promise<void> {
  const { config, out, folder, reporter, dataset, engine, stepCount, signal } = request;
  signal.throwIfAborted();
  const { train, heldOut } = dataset;
  const working = (what: string) => (done: number, total: number) => {
    signal.throwIfAborted();
    reporter.working(what, done, total);
  };
  const output = outputSpecOf(dataset);
  const name = basename(resolve(out));

  // From here on it is the generator that is served: with the values that its stored weights stand for.
  const { generator, weights: storedWeights } = await storeWeights(
    engine,
    request.generator,
    output,
    config.export.weights,
    config.seed,
  );
  const sampler = await createSeededSampler(engine, generator);
  const evaluating = (what: string) => {
    signal.throwIfAborted();
    reporter.note("evaluating", `evaluating: ${what}`);
  };
  const begun = performance.now();
  const { published, siblings, index, calibration, test } = await prepareCheck(
    engine,
    config.export,
    dataset,
    working,
  );
  const checkable = performance.now();
  const samples = await sampler.sample(config.seed, 0, DEFAULT_SAMPLE_COUNT);
  await sampler.dispose();
  const preview = previewPng(samples.subarray(0, previewCount(output) * train.length), output, train);
  const metrics = isMeasurable(dataset)
    ? await evaluate({
        engine,
        sample: async () => samples,
        dataset,
        seed: config.seed,
        siblings,
        onProgress: evaluating,
      })
    : {};
  const findings = await gatherFindings({
    engine,
    dataset,
    seed: config.seed,
    samples,
    siblings,
    metrics,
    test,
    seconds: {
      "memorisation check": (checkable - begun) / 1000,
      metrics: (performance.now() - checkable) / 1000,
    },
    onProgress: evaluating,
  });

  const training = {
    objective: request.objective,
    engine: engine.name,
    seed: config.seed,
    steps: stepCount,
  };
  const run = await readRun(folder.path).catch(() => runWithoutFolder(basename(folder.path), config));
  const report = await trainingReport(run, findings, name);
  await folder.conclude(report, resultsOf(findings));
  signal.throwIfAborted();
  const manifest = await writeBundle(out, {
    name,
    latentSize: generator.latentSize,
    labelCounts: generator.labelCounts ?? null,
    layers: generator.layers,
    weights: generator.weights,
    storedWeights,
    output,
    labels: dataset.labelNames,
    training: { ...training, config: publicConfig(config) },
    dataset: {
      name: dataset.name,
      trainCount: train.count,
      heldOutCount: heldOut.count,
      testCount: dataset.test?.count ?? 0,
    },
    metrics,
    train: published,
    calibration,
    siblings,
    index,
    preview,
    report,
  });
  reporter.note("public", `what the bundle makes public: ${madePublic(manifest)}`);
  reporter.note("exported", `exported ${out} (${manifest.name}@${manifest.version})`, {
    out: resolve(out),
    version: manifest.version,
    metrics,
    run: folder.path,
  });
}
