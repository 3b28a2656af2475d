/** The memorisation check of a model: what it searches, and the null distribution that it compares with. */

import type { MemorisationTest } from "../../shared/memorisation-check.ts";
import type { Config } from "../config.ts";
import type { Dataset, Rows } from "../data/dataset.ts";
import { scanRows } from "../data/scan-rows.ts";
import type { Engine } from "../engine/engine.ts";
import type { CalibrationContent } from "./bundle.ts";
import { calibrate, type OnProgress } from "./calibrate.ts";
import { indexRows, type RowIndex } from "./row-index.ts";
import { siblingDistances } from "./siblings.ts";

export interface PreparedCheck {
  /** The training examples that the bundle holds; null: none, and there is no check. */
  readonly published: Rows | null;
  /** From every training example to its nearest other one; null where that is left to the edge. */
  readonly siblings: Float32Array<ArrayBuffer> | null;
  readonly index: RowIndex | null;
  readonly calibration: CalibrationContent | null;
  /** The check itself; null where there is none. */
  readonly test: MemorisationTest | null;
}

/**
 * @param engine  finds what an index needs
 * @param working told how far each part is
 */
export async function prepareCheck(
  engine: Engine,
  settings: Config["export"],
  { train, heldOut, shape }: Pick<Dataset, "train" | "heldOut" | "shape">,
  working: (what: string) => OnProgress,
): Promise<PreparedCheck> {
  if (!settings.trainingRows) {
    return { published: null, siblings: null, index: null, calibration: null, test: null };
  }
  const scan = scanRows(train, shape);
  const siblings = await siblingDistances(scan, working("comparing the training examples"));
  const { indexAboveMiB } = settings;
  const needsIndex = indexAboveMiB !== null && train.values.byteLength > indexAboveMiB * 2 ** 20;
  const indexed = needsIndex
    ? await indexRows(engine, settings.index, train, shape, heldOut, scan, working("measuring the index"))
    : null;
  const search = indexed?.search ?? scan;
  const progress = working("calibrating the memorisation check");
  const calibration = await calibrate(search, train, heldOut, settings.alpha, progress);
  return {
    published: train,
    siblings,
    index: indexed?.index ?? null,
    calibration,
    test: calibration && testOf(search, calibration, siblings),
  };
}

function testOf(
  search: MemorisationTest["search"],
  { nullStatistics, ...calibration }: CalibrationContent,
  siblings: Float32Array | null,
): MemorisationTest {
  return {
    search,
    calibration: { ...calibration, heldOut: nullStatistics.length, file: "" },
    nullStatistics: nullStatistics.toSorted(),
    siblings,
  };
}
