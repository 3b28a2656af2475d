/**
 * Modes as classes: what the project's own classifier takes samples for. Blurred samples count as well as sharp ones,
 * so read it beside precision.
 *
 * Source: the protocol of stacked MNIST, which counts 1,000 classes with 26,000 samples: VEEGAN (Srivastava et al.
 * 2017, arXiv:1705.07761) and PacGAN (Lin et al. 2018, arXiv:1712.04086).
 */

import { classShares, sharesOfClasses } from "../classifier/class-shares.ts";
import type { Metric } from "./metric.ts";

export const classModes: Metric = {
  name: "class-modes",
  figures: {
    classesPresent: "classes among the samples",
    classCount: "classes in the data",
    classKl: "KL of the samples' classes from the data's, nats",
    scarcestClass: "scarcest class, its share over the data's",
    classifierAccuracy: "our classifier's accuracy on test examples",
  },
  ceiling: "train",
  obstacle: ({ testLabels, classifierObstacle }) =>
    classifierObstacle ?? (testLabels ? null : "the test examples have no labels"),
  async evaluate({ dataset, testLabels, classified }) {
    const { test, samples } = await classified();
    const right = test.classes.filter((label, i) => label === testLabels![i]);
    return {
      ...measureClasses(samples.classes, classShares(dataset)),
      classifierAccuracy: right.length / test.classes.length,
    };
  },
};

export interface ClassCoverage {
  readonly classesPresent: number;
  /** Those that have a share of the data. */
  readonly classCount: number;
  /** Σ p log(p/q) of the samples' shares p and the data's q, in nats; 0 where they are the same. */
  readonly classKl: number;
  /** The smallest p/q: 1 is as in the data, 0 says that a class is missing. */
  readonly scarcestClass: number;
}

/**
 * @param classes    of the samples
 * @param dataShares of every class; one without a share of the data is left out
 */
export function measureClasses(classes: Uint16Array, dataShares: Float64Array): ClassCoverage {
  const shares = sharesOfClasses(classes, dataShares.length);
  const known = Array.from(dataShares.keys()).filter((label) => dataShares[label]! > 0);
  return {
    classesPresent: known.filter((label) => shares[label]! > 0).length,
    classCount: known.length,
    classKl: known.reduce((sum, label) => {
      const share = shares[label]!;
      return share === 0 ? sum : sum + share * Math.log(share / dataShares[label]!);
    }, 0),
    scarcestClass: known.reduce((least, label) => Math.min(least, shares[label]! / dataShares[label]!), 1),
  };
}
