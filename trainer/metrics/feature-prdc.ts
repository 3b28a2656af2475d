/** Precision, recall, density and coverage as in `prdc.ts`, in the features of the project's own classifier. */

import type { Metric } from "./metric.ts";
import { measurePrdc, prdc } from "./prdc.ts";

export const featurePrdc: Metric = {
  name: "feature-prdc",
  figures: {
    featurePrecision: "precision in our classifier's features",
    featureRecall: "recall there",
    featureDensity: "density there",
    featureCoverage: "coverage there",
  },
  ceiling: "train",
  obstacle: (task) => task.classifierObstacle ?? prdc.obstacle(task),
  async evaluate({ engine, classified }) {
    const { test, samples, featureSize } = await classified();
    const size = Math.min(test.features.length, samples.features.length);
    const [real, made] = [test.features.subarray(0, size), samples.features.subarray(0, size)];
    const { precision, recall, density, coverage } = await measurePrdc(engine, real, made, featureSize);
    return {
      featurePrecision: precision,
      featureRecall: recall,
      featureDensity: density,
      featureCoverage: coverage,
    };
  },
};
