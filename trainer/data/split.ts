/** Who is trained on and who is not: the split of data that come as one part, or as train and test. */

import { createRandom } from "../../shared/random.ts";
import { InputError } from "../input-error.ts";
import { type Dataset, type Rows, reorderRows, sliceRows } from "./dataset.ts";

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
  return {
    train: enoughToTrain(sliceRows(rows, 0, count), where),
    heldOut: sliceRows(rows, count, heldOut),
    test,
  };
}

function enoughToTrain(rows: Rows, where: string): Rows {
  if (rows.count >= MIN_TRAIN_COUNT) return rows;
  throw new InputError(
    `${where}: ${rows.count} examples, expected at least ${MIN_TRAIN_COUNT} to train on. Give more data.`,
  );
}

/** Parts that the source has itself. */
interface GivenParts {
  readonly heldOut?: Rows | null | undefined;
  readonly test?: Rows | null | undefined;
}

/**
 * Shuffles rows that come in no trustworthy order, where they lie, and takes from them what the source has no part
 * for: the last tenth for testing, then what is held out.
 */
export function shuffleAndSplit(rows: Rows, given: GivenParts, seed: number, where: string): Parts {
  reorderRows(rows, createRandom(seed).fork("split").permutation(rows.count));
  const { heldOut, test = null } = given;
  if (heldOut) return { train: enoughToTrain(rows, where), heldOut, test };
  if (test) return holdOutLast(rows, test, where);
  const testCount = Math.floor(rows.count / 10);
  const rest = rows.count - testCount;
  const lastTenth = testCount > 0 ? sliceRows(rows, rest, testCount) : null;
  return holdOutLast(sliceRows(rows, 0, rest), lastTenth, where);
}

/** "0", "1", … up to the largest label that occurs; null without labels. */
export function numberedLabels(...parts: readonly (Rows | null)[]): string[] | null {
  if (!parts[0]?.labels) return null;
  let largest = 0;
  for (const part of parts) for (const label of part?.labels ?? []) largest = Math.max(largest, label);
  return Array.from({ length: largest + 1 }, (_, label) => String(label));
}
