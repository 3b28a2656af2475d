/** Measures a generator against data that it was not trained on. */

import { createRandom } from "../shared/random.ts";
import { classifierObstacle, classifierOf } from "./classifier/index.ts";
import { type Dataset, type Rows, sliceRows, takeRows } from "./data/dataset.ts";
import { modelSpaceOf } from "./data/model-space.ts";
import type { Engine } from "./engine/engine.ts";
import { InputError } from "./input-error.ts";
import { METRICS } from "./metrics/index.ts";
import type { ClassifiedParts, EvaluationTask, Metric } from "./metrics/metric.ts";

/** As the GAN paper's protocol has it. */
export const DEFAULT_SAMPLE_COUNT = 10_000;
const MAX_VALIDATION_COUNT = 1000;

export interface EvaluationRequest {
  readonly engine: Engine;
  /** Samples `first` … `first + count − 1` under `seed`, [count, length] in output units (images 0 … 1). */
  readonly sample: (seed: number, first: number, count: number) => Promise<Float32Array<ArrayBuffer>>;
  readonly dataset: Dataset;
  readonly seed: number;
  /** 10,000 if left out. */
  readonly sampleCount?: number | undefined;
  /** Measure against the first so many test examples only; all of them if left out. */
  readonly testCount?: number | undefined;
  /** Names of metrics; all that can be measured on this data set, if left out. */
  readonly metrics?: readonly string[] | undefined;
  /**
   * Where classifiers of labelled images are kept, one trained now if there is none of this data set: for the metrics
   * that measure with one. Those are left out without it.
   */
  readonly classifierFolder?: string | undefined;
  /** From every training example to its nearest other one, L2 in output units, where that is known already. */
  readonly siblings?: Float32Array | null;
  /** Called as each part of the work begins. */
  readonly onProgress?: ((what: string) => void) | undefined;
}

/**
 * Every metric's numbers by name, in the order of the registry.
 *
 * @throws InputError if a metric is unknown or can't be measured on this data set, if there is nothing to
 *   measure against, or if a sample isn't a number
 */
export function evaluate(request: EvaluationRequest): Promise<Record<string, number>> {
  return measure(request, () => true);
}

async function measure(
  request: EvaluationRequest,
  isWanted: (metric: Metric) => boolean,
): Promise<Record<string, number>> {
  const { engine, dataset, seed, sampleCount = DEFAULT_SAMPLE_COUNT, onProgress = () => {} } = request;
  const { validation, test } = evaluationParts(dataset, request.testCount);
  const { outputUnits } = modelSpaceOf(dataset);
  const { classifierFolder } = request;
  const task: EvaluationTask = {
    dataset,
    length: test.length,
    validation: outputUnits(validation),
    test: outputUnits(test),
    testLabels: test.labels,
    sampleCount,
    classifierObstacle:
      classifierFolder === undefined ? "no classifier was asked for" : classifierObstacle(dataset),
  };
  const metrics = selectMetrics(task, request.metrics, isWanted);
  if (metrics.length === 0) return {};

  onProgress(`drawing ${sampleCount.toLocaleString("en")} samples`);
  const samples = await request.sample(seed, 0, sampleCount);
  const unusable = samples.findIndex((value) => !Number.isFinite(value));
  if (unusable >= 0) {
    throw new InputError(
      `evaluate: sample ${Math.floor(unusable / test.length)} holds ${samples[unusable]}, expected numbers. Train the model again.`,
    );
  }
  let parts: Promise<ClassifiedParts> | undefined;
  const classified = () => (parts ??= classifyParts(request, task.test, samples));
  const figures: Record<string, number> = {};
  for (const metric of metrics) {
    onProgress(`measuring ${metric.name}`);
    const { siblings = null } = request;
    Object.assign(figures, await metric.evaluate({ ...task, engine, samples, siblings, classified }));
  }
  return figures;
}

async function classifyParts(
  { engine, dataset, classifierFolder, onProgress }: EvaluationRequest,
  test: Float32Array<ArrayBuffer>,
  samples: Float32Array<ArrayBuffer>,
): Promise<ClassifiedParts> {
  const classifier = await classifierOf({ engine, dataset, folder: classifierFolder!, onProgress });
  try {
    return {
      test: await classifier.classify(test),
      samples: await classifier.classify(samples),
      featureSize: classifier.featureSize,
    };
  } finally {
    await classifier.dispose();
  }
}

/**
 * What real data score: the same metrics with real examples, drawn at random, in the place of samples. Training
 * examples, or for what compares samples with those, held-out ones. Fewer than asked where there are fewer.
 */
export async function evaluateRealData(
  request: Omit<EvaluationRequest, "sample">,
): Promise<Record<string, number>> {
  const { dataset, seed, sampleCount = DEFAULT_SAMPLE_COUNT } = request;
  const { outputUnits } = modelSpaceOf(dataset);
  const asSamples = (rows: Rows, ceiling: Metric["ceiling"]) => {
    const order = createRandom(seed).fork("real data", ceiling).permutation(rows.count);
    const sample: EvaluationRequest["sample"] = async (_, first, count) =>
      outputUnits(takeRows(rows, order.subarray(first, first + count)));
    const count = Math.min(sampleCount, rows.count);
    return measure({ ...request, sampleCount: count, sample }, (metric) => metric.ceiling === ceiling);
  };
  return {
    ...(await asSamples(dataset.train, "train")),
    ...(await asSamples(unseenBy(dataset), "held-out")),
  };
}

/** How many examples a data set has to measure against. */
export function testCountOf(dataset: Dataset): number {
  return evaluationParts(dataset).test.count;
}

/** Whether a data set holds anything to measure against: examples that it isn't trained on. */
export function isMeasurable(dataset: Dataset): boolean {
  return Object.values(partsOf(dataset)).every(({ count }) => count > 0);
}

function evaluationParts(dataset: Dataset, testCount = Number.POSITIVE_INFINITY) {
  if (!isMeasurable(dataset)) {
    throw new InputError(
      `evaluate: "${dataset.name}" has ${dataset.heldOut.count} held-out and ${dataset.test?.count ?? 0} test examples, ` +
        "too few to measure against. Give more data.",
    );
  }
  const { validation, test } = partsOf(dataset);
  return { validation, test: sliceRows(test, 0, Math.min(testCount, test.count)) };
}

/** Without a test part, what is held out serves for both, in two parts. */
function partsOf(dataset: Dataset): { validation: Rows; test: Rows } {
  const { heldOut } = dataset;
  const validationCount = Math.min(
    MAX_VALIDATION_COUNT,
    dataset.test ? heldOut.count : Math.floor(heldOut.count / 2),
  );
  return {
    validation: sliceRows(heldOut, 0, validationCount),
    test: dataset.test ?? sliceRows(heldOut, validationCount, heldOut.count - validationCount),
  };
}

/** Real examples that were neither trained on nor are measured against. */
function unseenBy(dataset: Dataset): Rows {
  return dataset.test ? dataset.heldOut : partsOf(dataset).validation;
}

/** The wanted ones of those that were asked for, or of all that can be measured where none were. */
function selectMetrics(
  task: EvaluationTask,
  names: readonly string[] | undefined,
  isWanted: (metric: Metric) => boolean,
): Metric[] {
  const unknown = names?.find((name) => !Object.hasOwn(METRICS, name));
  if (unknown !== undefined) {
    const known = Object.keys(METRICS).join(", ");
    throw new InputError(`metrics: no metric "${unknown}". Known: ${known}.`);
  }
  const wanted = Object.values(METRICS).filter(isWanted);
  if (!names) return wanted.filter((metric) => metric.obstacle(task) === null);
  const asked = wanted.filter(({ name }) => names.includes(name));
  for (const { name, obstacle } of asked) {
    const reason = obstacle(task);
    if (reason !== null) throw new InputError(`metrics: ${name}: ${reason}.`);
  }
  return asked;
}
