import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { checkExample, type MemorisationTest } from "../shared/memorisation-check.ts";
import { createRandom } from "../shared/random.ts";
import { audit } from "../trainer/audit.ts";
import { readMemorisationTest } from "../trainer/bundle-check.ts";
import { openBundle } from "../trainer/bundle-reader.ts";
import { type Rows, sliceRows } from "../trainer/data/dataset.ts";
import { glyphs } from "../trainer/data/glyphs.ts";
import { scanRows } from "../trainer/data/scan-rows.ts";
import { calibrate } from "../trainer/export/calibrate.ts";
import { siblingDistances } from "../trainer/export/siblings.ts";
import { GREY, PLANE, randomRows, writeSmallBundle } from "./small-bundle.ts";

const root = mkdtempSync(join(tmpdir(), "imle-audit-"));
afterAll(() => rmSync(root, { recursive: true }));

const inOutputUnits = ({ values }: Rows) => Float32Array.from(values, (value) => value / 255);

describe("an audit", async () => {
  const { train, heldOut, test: fresh, shape } = glyphs.create(2, { train: 1000, heldOut: 999, test: 1000 });
  const scan = scanRows(train, shape);
  const { nullStatistics, ...calibration } = (await calibrate(scan, train, heldOut, 0.01, () => {}))!;
  const memorisation: MemorisationTest = {
    search: scan,
    calibration: { ...calibration, heldOut: heldOut.count, file: "calibration.bin" },
    nullStatistics: nullStatistics.slice().sort(),
    siblings: await siblingDistances(scan, () => {}),
  };
  const half = (rows: Rows, second: 0 | 1) => sliceRows(rows, second * 500, 500);

  test("of a model that learned its training examples by heart finds copies alone", async () => {
    const { samples, fresh: real } = await audit(
      memorisation,
      inOutputUnits(sliceRows(train, 0, 300)),
      fresh,
      () => {},
    );
    expect(samples).toEqual({ count: 300, copies: 1, close: 0, authentic: 0 });
    expect(real!.count).toBe(1000);
    expect(real!.copies).toBeLessThan(0.03);
  });

  test("of samples that are the data's own finds what real examples show", async () => {
    const { samples, fresh: real } = await audit(
      memorisation,
      inOutputUnits(half(fresh!, 0)),
      half(fresh!, 1),
      () => {},
    );
    expect(samples.copies).toBeLessThan(0.03);
    // Three standard deviations of a difference between two shares of 500.
    expect(Math.abs(samples.authentic - real!.authentic)).toBeLessThan(0.1);
  });

  test("without fresh examples has nothing to compare samples with", async () => {
    const result = await audit(memorisation, inOutputUnits(sliceRows(fresh!, 0, 10)), null, () => {});
    expect(result).toMatchObject({ samples: { count: 10 }, fresh: null });
  });
});

describe("a bundle's memorisation test", () => {
  test.each([
    ["images", GREY],
    ["vectors", PLANE],
  ] as const)(
    "%s: a training example is a copy, as far from its nearest as the bundle says",
    async (name, output) => {
      const directory = join(root, name);
      await writeSmallBundle(directory, { name, output });
      const memorisation = (await readMemorisationTest(await openBundle(directory)))!;
      const length = output.shape.reduce<number>((product, size) => product * size, 1);
      const rows = randomRows(createRandom(1).fork("train"), 300, length, output.kind === "image");
      expect(memorisation.search.rowCount).toBe(300);
      for (const row of [0, 299]) {
        const example = rows.values.slice(row * length, (row + 1) * length);
        const check = await checkExample(memorisation, example, 2);
        expect(check).toMatchObject({ verdict: "copy", distance: 0, ratio: 0, authentic: false });
        expect(check.neighbours[0]).toEqual({ index: row, distance: 0 });
        expect(memorisation.siblings![row]).toBe(Math.fround(check.neighbours[1]!.distance));
        // A bundle of format 1 says nothing of siblings.
        expect(await checkExample({ ...memorisation, siblings: null }, example, 2)).toEqual(check);
      }
    },
  );

  test("is null for a bundle without training examples", async () => {
    const directory = join(root, "bare");
    await writeSmallBundle(directory, { name: "bare", output: PLANE, withoutRows: true });
    expect(await readMemorisationTest(await openBundle(directory))).toBeNull();
  });
});
