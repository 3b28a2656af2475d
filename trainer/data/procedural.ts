/** Data sets that are code: every example is drawn from a random stream of its own. */

import { createRandom, type Random } from "../../shared/random.ts";
import type { Dataset, Rows } from "./dataset.ts";

/** How many examples each part has. */
export interface PartCounts {
  readonly train: number;
  readonly heldOut: number;
  readonly test: number;
}

export const DEFAULT_COUNTS: PartCounts = { train: 10_000, heldOut: 2_000, test: 2_000 };

/** A data set that needs no files. */
export interface ProceduralSource {
  readonly name: string;
  /** Example i of a part depends on (seed, part, i) alone, not on the counts. */
  create(seed: number, counts?: PartCounts): Dataset;
}

/** What a procedural data set says of itself, and how it draws one example. */
export interface Recipe extends Pick<Dataset, "kind" | "shape" | "labelNames" | "modes"> {
  /** Draws one example of class `label` into `row`, which arrives zeroed. */
  draw(random: Random, label: number, row: Uint8Array | Float32Array): void;
}

/** A source that draws its parts by `recipe`; example i has class i modulo the number of classes. */
export function proceduralSource(name: string, recipe: Recipe): ProceduralSource {
  const { draw, ...described } = recipe;
  const classCount = described.labelNames?.length ?? 1;
  const length = described.shape.reduce((product, size) => product * size, 1);

  function drawPart(random: Random, count: number): Rows {
    const values =
      described.kind === "image" ? new Uint8Array(count * length) : new Float32Array(count * length);
    const labels = described.labelNames && new Uint16Array(count);
    for (let i = 0; i < count; i++) {
      const label = i % classCount;
      draw(random.fork(i), label, values.subarray(i * length, (i + 1) * length));
      if (labels) labels[i] = label;
    }
    return { count, length, values, labels };
  }

  return {
    name,
    create(seed, counts = DEFAULT_COUNTS) {
      const random = createRandom(seed);
      return {
        name,
        ...described,
        train: drawPart(random.fork(name, "train"), counts.train),
        heldOut: drawPart(random.fork(name, "held-out"), counts.heldOut),
        test: drawPart(random.fork(name, "test"), counts.test),
      };
    },
  };
}
