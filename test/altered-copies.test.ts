/** The memorisation check as a whole, calibrated as an export does it, on data drawn by code. */

import { describe, expect, test } from "vitest";
import { ALTERATIONS, alteredCopies } from "../bench/alterations.ts";
import { createRandom, type Random } from "../shared/random.ts";
import { conformalPValue, verdictOf } from "../shared/verdict.ts";
import { type Dataset, type Rows, sliceRows, takeRows } from "../trainer/data/dataset.ts";
import { glyphs } from "../trainer/data/glyphs.ts";
import { ring } from "../trainer/data/ring.ts";
import { scanRows } from "../trainer/data/scan-rows.ts";
import { calibrate, scoreRows } from "../trainer/export/calibrate.ts";

const ALPHA = 0.01;
const QUERIES = 100;
const SIZES = { train: 1500, heldOut: 999, test: 1000 };
const NONE: Rows = { count: 0, length: 784, values: new Uint8Array(), labels: null };

const grey = glyphs.create(1, SIZES);

/** The share of rows that the check calls copies. */
async function createCheck({ train, heldOut, shape }: Pick<Dataset, "train" | "heldOut" | "shape">) {
  const scan = scanRows(train, shape);
  const calibration = (await calibrate(scan, train, heldOut, ALPHA, () => {}))!;
  const { statistic, neighbourhood, alpha } = calibration;
  const ascending = calibration.nullStatistics.slice().sort();
  return {
    calibration,
    async copies(rows: Rows) {
      const scores = await scoreRows(scan, statistic, neighbourhood, rows);
      const pValue = (score: number) => conformalPValue(ascending, score, calibration.method);
      const found = scores.filter((score) => verdictOf(pValue(score), alpha) === "copy");
      return found.length / rows.count;
    },
  };
}

/** Calibration and test set are both samples: three standard deviations of the difference. */
function falsePositiveBound(calibrationCount: number, testCount: number): number {
  return ALPHA + 3 * Math.sqrt(ALPHA * (1 - ALPHA) * (1 / calibrationCount + 1 / testCount));
}

/** Two bright or dark colours an image, one of them fading to the right. */
function tinted(rows: Rows, random: Random): Rows {
  const { count, length } = rows;
  const values = new Uint8Array(3 * count * length);
  for (let row = 0; row < count; row++) {
    const ink = [0, 1, 2].map(() => 0.7 + 0.3 * random.uniform());
    const paper = [0, 1, 2].map(() => 0.3 * random.uniform());
    for (let i = 0; i < length; i++) {
      const share = rows.values[row * length + i]! / 255;
      const fading = 1 - (i % 28) / 56;
      for (let channel = 0; channel < 3; channel++) {
        const value = share * ink[channel]! + (1 - share) * paper[channel]! * fading;
        values[3 * (row * length + i) + channel] = 255 * value;
      }
    }
  }
  return { ...rows, length: 3 * length, values };
}

function withDuplicates(train: Rows, share: number): Rows {
  const from = Math.round(train.count * (1 - share));
  return takeRows(
    train,
    Array.from({ length: train.count }, (_, i) => (i < from ? i : i - from)),
  );
}

describe("altered copies of training images", () => {
  const random = createRandom(9).fork("tint");
  const { train, heldOut, test: fresh } = grey;
  const [colourTrain, colourHeldOut, colourFresh] = [train, heldOut, fresh!].map((rows) =>
    tinted(rows, random),
  );
  const colour = [28, 28, 3];
  const cases = [
    ["grey", { ...grey, fresh: fresh! }],
    ["colour", { train: colourTrain!, heldOut: colourHeldOut!, fresh: colourFresh!, shape: colour }],
    ["5 % duplicates", { ...grey, train: withDuplicates(train, 0.05), fresh: fresh! }],
    [
      "5 % duplicates, leave-one-out",
      { ...grey, train: withDuplicates(train, 0.05), heldOut: NONE, fresh: fresh! },
    ],
    ["300 images, leave-one-out", { ...grey, train: sliceRows(train, 0, 300), heldOut: NONE, fresh: fresh! }],
  ] as const;

  test.each(cases)("%s: nine in ten of every kind are found, of fresh images alpha", async (_, data) => {
    const check = await createCheck(data);
    expect(check.calibration.statistic).toBe("aligned-ratio");
    expect(check.calibration.method).toBe(data.heldOut.count > 0 ? "held-out" : "leave-one-out");
    expect(await check.copies(data.fresh)).toBeLessThan(
      falsePositiveBound(check.calibration.nullStatistics.length, data.fresh.count),
    );
    for (const name of Object.keys(ALTERATIONS)) {
      const altered = alteredCopies(name, data.train, data.shape, QUERIES, createRandom(3));
      expect.soft(await check.copies(altered), name).toBeGreaterThanOrEqual(0.9);
    }
  });
});

test("of few examples, a copy is what scores below all of them", async () => {
  const few = sliceRows(grey.train, 0, 45);
  const check = await createCheck({ ...grey, train: few, heldOut: NONE });
  expect(check.calibration).toMatchObject({ method: "leave-one-out", neighbourhood: 44, alpha: 2 / 45 });
  expect(await check.copies(few)).toBe(1);
});

test("leave-one-out keeps alpha: over many small training sets, fresh images are copies that often", async () => {
  const size = 100;
  let alpha = 0;
  const shares: number[] = [];
  for (let first = 0; first + size <= grey.train.count; first += size) {
    const check = await createCheck({ ...grey, train: sliceRows(grey.train, first, size), heldOut: NONE });
    alpha = check.calibration.alpha;
    shares.push(await check.copies(grey.test!));
  }
  const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length;
  const variance = shares.reduce((sum, share) => sum + (share - mean) ** 2, 0) / (shares.length - 1);
  expect(alpha).toBe(2 / size);
  expect(mean).toBeLessThan(alpha + 3 * Math.sqrt(variance / shares.length));
});

test("identical training images are no neighbours of each other", async () => {
  const same = takeRows(grey.train, new Array(30).fill(0));
  const { calibration } = await createCheck({ ...grey, train: same, heldOut: NONE });
  expect(Array.from(calibration.nullStatistics)).toEqual(new Array(30).fill(1));
});

test("a single colour is a copy of itself alone", async () => {
  const values = grey.train.values.slice();
  values.fill(255, 0, 784);
  const check = await createCheck({ ...grey, train: { ...grey.train, values } });
  const plain = (value: number): Rows => ({ ...NONE, count: 1, values: new Uint8Array(784).fill(value) });
  expect(await check.copies(plain(255))).toBe(1);
  expect(await check.copies(plain(0))).toBe(0);
});

test("points in the plane: copies are found, of fresh ones alpha", async () => {
  const data = ring.create(1, SIZES);
  const check = await createCheck(data);
  expect(check.calibration.statistic).toBe("neighbourhood-ratio");
  expect(await check.copies(sliceRows(data.train, 0, QUERIES))).toBe(1);
  expect(await check.copies(data.test!)).toBeLessThan(falsePositiveBound(SIZES.heldOut, SIZES.test));
});
