/** How examples are spread over the classes. */

import type { Dataset } from "../data/dataset.ts";

/** The share of every class among some labels. */
export function sharesOfClasses(labels: Uint16Array, classCount: number): Float64Array<ArrayBuffer> {
  const counts = new Float64Array(classCount);
  for (const label of labels) counts[label]!++;
  return counts.map((count) => count / labels.length);
}

/**
 * The share of every class of the data, as its training examples have it. Stacked images are drawn channel by channel,
 * so theirs are products, without gaps where few of them were drawn.
 */
export function classShares({ channelsOf, shape, train, labelNames }: Dataset): Float64Array<ArrayBuffer> {
  if (!channelsOf) return sharesOfClasses(train.labels!, labelNames!.length);
  const single = classShares(channelsOf);
  let shares = single;
  for (let channel = 1; channel < shape[2]!; channel++) {
    const before = shares;
    shares = Float64Array.from({ length: before.length * single.length }, (_, label) => {
      return before[Math.floor(label / single.length)]! * single[label % single.length]!;
    });
  }
  return shares;
}
