import { classModes } from "./class-modes.ts";
import { classifierFrechet } from "./classifier-frechet.ts";
import { dataCopying } from "./data-copying.ts";
import { featurePrdc } from "./feature-prdc.ts";
import { matchDistance } from "./match-distance.ts";
import type { Metric } from "./metric.ts";
import { modes } from "./modes.ts";
import { parzen } from "./parzen.ts";
import { prdc } from "./prdc.ts";

/** Every metric, by the name that `--metrics` takes, in the order in which they are measured and shown. */
export const METRICS: Readonly<Record<string, Metric>> = {
  parzen,
  prdc,
  modes,
  "match-distance": matchDistance,
  "data-copying": dataCopying,
  "classifier-frechet": classifierFrechet,
  "feature-prdc": featurePrdc,
  "class-modes": classModes,
};
