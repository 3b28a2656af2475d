/** Who is trained on and who is not: the split of data that come as one part, or as train and test. */

import { createRandom } from "../../shared/random.ts";
import { InputError } from "../input-error.ts";
import { type Dataset, type Rows, sliceRows, takeRows } from "./dataset.ts";

export type Parts = Pick<Dataset, "train" | "heldOut" | "test">;

/** The memorisation check compares a distance with those to other training rows; with fewer there are none. */
const MIN_TRAIN_COUNT = 3;

/** 10,000 at most: MNIST's first 50,000 rows are for training, as in the IMLE paper (arXiv:1809.09087). */
export function heldOutCount(count: number): number {
  return Math.min(10_000, Math.floor(count / 6));
}

/**
 * Keeps the last rows of the training part out of training.
 *
 * @param where what to call the source in errors
 */
export function holdOutLast(rows: Rows, test: Rows | null, where: string): Parts {
  const heldOut = heldOutCount(rows.count);
  const count = rows.count - heldOut;
  if (count < MIN_TRAIN_COUNT) {
    throw new InputError(
      `${where}: ${rows.count} examples, expected at least ${MIN_TRAIN_COUNT} to train on. Give more data.`,
    );
  }
  return { train: sliceRows(rows, 0, count), heldOut: sliceRows(rows, count, heldOut), test };
}

/** Shuffles rows that come in no trustworthy order; without a test part the last tenth becomes it. */
export function shuffleAndSplit(rows: Rows, test: Rows | null, seed: number, where: string): Parts {
  const order = createRandom(seed).fork("split").permutation(rows.count);
  const shuffled = takeRows(rows, order);
  if (test) return holdOutLast(shuffled, test, where);
  const testCount = Math.floor(rows.count / 10);
  const rest = rows.count - testCount;
  const lastTenth = testCount > 0 ? sliceRows(shuffled, rest, testCount) : null;
  return holdOutLast(sliceRows(shuffled, 0, rest), lastTenth, where);
}

/** "0", "1", … up to the largest label that occurs; null without labels. */
export function numberedLabels(...parts: readonly (Rows | null)[]): string[] | null {
  if (!parts[0]?.labels) return null;
  let largest = 0;
  for (const part of parts) for (const label of part?.labels ?? []) largest = Math.max(largest, label);
  return Array.from({ length: largest + 1 }, (_, label) => String(label));
}
