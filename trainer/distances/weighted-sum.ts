/** Distances as a configuration writes them: one of the registry, or a weighted sum, `l2 + 0.1*features`. */

import { add, concat, multiply } from "../autodiff/operators.ts";
import type { Tensor } from "../autodiff/tensor.ts";
import { didYouMean } from "../did-you-mean.ts";
import type { Distance } from "./distance.ts";
import { squaredL2Of } from "./squared-l2.ts";

export interface Term {
  readonly name: string;
  /** Above 0. */
  readonly weight: number;
}

/**
 * The terms of `l2`, `0.5*cosine`, `l2 + 0.1*features`, …
 *
 * @returns what is wrong with the text, in words, if something is
 */
export function parseTerms(text: string, known: readonly string[]): readonly Term[] | string {
  const terms: Term[] = [];
  for (const part of text.split("+")) {
    const found = /^\s*(?:([\d.]+(?:e[+-]?\d+)?)\s*\*)?\s*([a-z][a-z\d-]*)\s*$/.exec(part);
    if (!found || !known.includes(found[2]!)) {
      const name = part.trim();
      return `"${name}" is no distance.${didYouMean(name, known)} There are ${known.join(", ")}, and sums such as l2+0.1*features`;
    }
    const weight = Number(found[1] ?? 1);
    if (!(weight > 0 && weight < Number.POSITIVE_INFINITY)) {
      return `the weight of ${found[2]} is ${found[1]}, expected a number above 0`;
    }
    terms.push({ name: found[2]!, weight });
  }
  return terms;
}

export function weightedSum(
  terms: readonly { readonly distance: Distance; readonly weight: number }[],
): Distance {
  const [first] = terms;
  if (terms.length === 1 && first!.weight === 1) return first!.distance;
  const name = terms.map(({ distance, weight }) => `${weight}*${distance.name}`).join("+");
  const total = (of: (distance: Distance) => Tensor) =>
    terms.map(({ distance, weight }) => multiply(of(distance), weight)).reduce((sum, part) => add(sum, part));
  const embeddings = terms.flatMap(({ distance: { embedding }, weight }) =>
    embedding ? [{ ...embedding, factor: Math.sqrt(weight) }] : [],
  );
  const sum = {
    name,
    paired: (a: Tensor, b: Tensor) => total((distance) => distance.paired(a, b)),
    pairedAt: (radius: number) => radius,
    ranking: (queries: Tensor, points: Tensor) => total((distance) => distance.ranking(queries, points)),
    embedding: null,
  };
  if (embeddings.length < terms.length) return sum;
  const embedded = squaredL2Of(name, {
    length: embeddings.reduce((length, embedding) => length + embedding.length, 0),
    of: (x) =>
      concat(
        embeddings.map(({ of, factor }) => multiply(of ? of(x) : x, factor)),
        1,
      ),
  });
  return { ...embedded, pairedAt: sum.pairedAt };
}
