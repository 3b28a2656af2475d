import { sampleLabel } from "../shared/generator-inputs.ts";
import { inputSpecOf, type Manifest } from "../shared/manifest.ts";
import { Problem } from "./problem.ts";

const MOST_NAMED = 20;

/**
 * The number of the class that a request names; undefined where it names none.
 *
 * @throws Problem if the model takes no class, or hasn't this one
 */
export function labelIndex(manifest: Manifest, label: string | undefined): number | undefined {
  if (label === undefined) return undefined;
  const { name, labels, conditional } = manifest;
  if (!conditional) {
    throw new Problem(
      "unconditional-model",
      `label: model "${name}" is not class-conditional, so it can't draw a given class; leave label out`,
    );
  }
  const index = labels!.indexOf(label);
  if (index >= 0 && inputSpecOf(manifest).labelCounts![index]! > 0) return index;
  const drawn = labels!.filter((_, i) => inputSpecOf(manifest).labelCounts![i]! > 0);
  const known = drawn.slice(0, MOST_NAMED).join(", ") + (drawn.length > MOST_NAMED ? ", …" : "");
  throw new Problem(
    "bad-parameter",
    `label: model "${name}" has no class "${label.slice(0, 50)}"; there are ${known}`,
  );
}

/** The class of sample `index`: the one that was asked for, or the one that the seed draws; null: it has none. */
export function labelOfSample(
  manifest: Manifest,
  asked: number | undefined,
  seed: number,
  index: number,
): string | null {
  const { labelCounts } = inputSpecOf(manifest);
  return labelCounts && manifest.labels![asked ?? sampleLabel(labelCounts, seed, index)]!;
}
