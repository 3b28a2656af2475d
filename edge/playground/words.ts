/** What comparisons say, in words. */

import type { Manifest } from "../../shared/manifest.ts";
import { grouped, percent, short } from "./numbers.ts";
import type { Calibration, Check, Neighbour } from "./service.ts";

export const VERDICTS = { copy: "A copy", close: "Close to one", novel: "Novel" };

/** What an example is compared with: 10,000 real examples that were not trained on */
export function nameOfNull({ heldOut, method }: Calibration): string {
  const kind =
    method === "held-out" ? "real examples that were not trained on" : "training examples against the others";
  return `${grouped(heldOut)} ${kind}`;
}

export function explainVerdict({ verdict, pValue, calibration }: Check): string {
  const among = `${percent(pValue)} of ${nameOfNull(calibration)}`;
  const alpha = percent(calibration.alpha);
  switch (verdict) {
    case "copy":
      return `Only ${among} come this near to a training example, for their neighbourhood; below ${alpha} counts as a copy.`;
    case "close":
      return `${among} come this near to a training example, for their neighbourhood: unusual, but short of the ${alpha} of a copy.`;
    case "novel":
      return `No nearer to a training example than real examples are: ${among} come as near, for their neighbourhood.`;
  }
}

/** #4711, class 7 */
export function nameOf({ index, label }: Pick<Neighbour, "index" | "label">): string {
  return `#${index}${label === null ? "" : `, class ${label}`}`;
}

export function describeNeighbour(neighbour: Neighbour): string {
  return `${nameOf(neighbour)}, at ${short(neighbour.distance)}`;
}

/** Of models that were exported without training rows. */
export function explainNoTrainingExamples({ name }: Manifest): string {
  return (
    `The model ${name} was exported without its training examples, so there is nothing to compare with. ` +
    "Exported with export.trainingRows=true, it can be checked."
  );
}
