/** What a metric is given, without `evaluate`: for tests of single metrics. */

import type { Dataset } from "../trainer/data/dataset.ts";
import { modelSpaceOf } from "../trainer/data/model-space.ts";
import type { Engine } from "../trainer/engine/engine.ts";
import type { EvaluationContext } from "../trainer/metrics/metric.ts";

/** Training examples in the place of samples, and no classifier, unless `given` says otherwise. */
export function evaluationContext(
  engine: Engine,
  dataset: Dataset,
  given: Partial<EvaluationContext> = {},
): EvaluationContext {
  const { train, heldOut, test } = dataset;
  const { outputUnits } = modelSpaceOf(dataset);
  const samples = given.samples ?? outputUnits(train);
  return {
    engine,
    dataset,
    length: train.length,
    validation: outputUnits(heldOut),
    test: outputUnits(test!),
    testLabels: test!.labels,
    samples,
    siblings: null,
    sampleCount: samples.length / train.length,
    classifierObstacle: "no classifier was asked for",
    classified: () => Promise.reject(new Error("no classifier was asked for")),
    ...given,
  };
}
