import type { OutputSpec } from "../../shared/manifest.ts";
import type { Dataset } from "../data/dataset.ts";

/** What the generator of this data set gives. */
export function outputSpecOf(dataset: Dataset): OutputSpec {
  return dataset.kind === "image"
    ? { kind: "image", shape: dataset.shape as [number, number, 1 | 3], range: [0, 1] }
    : { kind: "vector", shape: dataset.shape as [number], range: null };
}
