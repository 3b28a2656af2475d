/** A vector, and its nearest training examples. */

import { create } from "./dom.ts";
import { short } from "./numbers.ts";
import type { Neighbour } from "./service.ts";
import { describeNeighbour } from "./words.ts";

export function listVectors(vector: readonly number[], neighbours: readonly Neighbour[]): HTMLElement {
  const point = (numbers: readonly number[]) => `(${numbers.map(short).join(", ")})`;
  return create(
    "div",
    {},
    create("p", {}, `At ${point(vector)}. Nearest training examples:`),
    create(
      "ol",
      { className: "vectors" },
      ...neighbours.map((neighbour) =>
        create("li", {}, `${point(neighbour.vector ?? [])}, ${describeNeighbour(neighbour)}`),
      ),
    ),
  );
}
