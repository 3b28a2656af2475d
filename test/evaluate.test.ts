import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { createRandom } from "../shared/random.ts";
import { type Dataset, sliceRows } from "../trainer/data/dataset.ts";
import { glyphs } from "../trainer/data/glyphs.ts";
import { ring } from "../trainer/data/ring.ts";
import { createEngine } from "../trainer/engine/index.ts";
import { type EvaluationRequest, evaluate, evaluateRealData, testCountOf } from "../trainer/evaluate.ts";
import { InputError } from "../trainer/input-error.ts";
import { METRICS } from "../trainer/metrics/index.ts";

const { engine } = await createEngine("cpu");
const classifierFolder = mkdtempSync(join(tmpdir(), "imle-evaluate-"));
afterAll(async () => {
  await engine.dispose();
  rmSync(classifierFolder, { recursive: true });
});
const WITH_CLASSIFIER = ["classifier-frechet", "feature-prdc", "class-modes"];

const plane = ring.create(1, { train: 600, heldOut: 300, test: 400 });
const images = glyphs.create(1, { train: 200, heldOut: 60, test: 80 });

/** A wide Gaussian, sample i from a stream of its own. */
const gaussian =
  (length: number): EvaluationRequest["sample"] =>
  async (seed, first, count) => {
    const samples = new Float32Array(count * length);
    for (let i = 0; i < count; i++) {
      createRandom(seed)
        .fork(first + i)
        .fillNormal(samples.subarray(i * length, (i + 1) * length));
    }
    return samples;
  };

const request = { engine, dataset: plane, seed: 7, sampleCount: 500, sample: gaussian(2) };

async function refuses(given: EvaluationRequest, message: RegExp): Promise<void> {
  const error = await evaluate(given).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(InputError);
  expect((error as Error).message).toMatch(message);
  expect((error as Error).message).not.toContain("\n");
}

describe("an evaluation", () => {
  test("gives the figures of all metrics that fit the data", async () => {
    const figuresOf = (names: readonly string[]) =>
      names.flatMap((name) => Object.keys(METRICS[name]!.figures));
    const all = Object.keys(METRICS);
    const withoutClassifier = all.filter((name) => !WITH_CLASSIFIER.includes(name));
    expect(Object.keys(await evaluate(request))).toEqual(figuresOf(withoutClassifier));
    const ofImages = { ...request, dataset: images, sample: gaussian(784) };
    const withoutModes = (names: readonly string[]) => names.filter((name) => name !== "modes");
    expect(Object.keys(await evaluate(ofImages))).toEqual(figuresOf(withoutModes(withoutClassifier)));
    expect(Object.keys(await evaluate({ ...ofImages, classifierFolder }))).toEqual(
      figuresOf(withoutModes(all)),
    );
  });

  test("of chosen metrics gives theirs alone, with the same values", async () => {
    const all = await evaluate(request);
    const { modesCovered, modeCount, highQualityShare } = all;
    expect(await evaluate({ ...request, metrics: ["modes"] })).toEqual({
      modesCovered,
      modeCount,
      highQualityShare,
    });
  });

  test("is a function of the seed", async () => {
    expect(await evaluate(request)).toEqual(await evaluate(request));
    expect(await evaluate({ ...request, seed: 8 })).not.toEqual(await evaluate(request));
  });

  test("measures pixels in 0 … 1: the test images themselves are matched at distance 0", async () => {
    const values = Float32Array.from(images.test!.values, (value) => value / 255);
    const figures = await evaluate({
      ...request,
      dataset: images,
      sampleCount: 80,
      sample: async () => values,
    });
    expect(figures).toMatchObject({ matchDistance: 0, precision: 1, recall: 1, coverage: 1 });
  });

  test("looks at the test examples for its figures, at held-out ones for the bandwidth, at training ones for copies", async () => {
    const altered = (part: "train" | "heldOut" | "test"): Dataset => ({
      ...plane,
      [part]: { ...plane[part]!, values: plane[part]!.values.map((value) => value + 0.5) },
    });
    const before = await evaluate(request);
    const otherTrain = await evaluate({ ...request, dataset: altered("train") });
    const copying = await evaluate({ ...request, dataset: altered("train"), metrics: ["data-copying"] });
    expect(otherTrain).toEqual({ ...before, ...copying });
    const otherHeldOut = await evaluate({ ...request, dataset: altered("heldOut") });
    for (const name of Object.keys(before).filter((name) => !name.startsWith("parzen"))) {
      expect(otherHeldOut[name]).toBe(before[name]);
    }
    const otherTest = await evaluate({ ...request, dataset: altered("test") });
    expect(otherTest["matchDistance"]).not.toBe(before["matchDistance"]);
  });

  test("can be cut short to fewer test examples", async () => {
    const cut = { ...plane, test: sliceRows(plane.test!, 0, 50) };
    expect(await evaluate({ ...request, testCount: 50 })).toEqual(
      await evaluate({ ...request, dataset: cut }),
    );
  });

  test("of data without a test part splits what is held out", async () => {
    const untested = { ...plane, test: null };
    expect(testCountOf(plane)).toBe(400);
    expect(testCountOf(untested)).toBe(150);
    const asTest = {
      ...plane,
      test: sliceRows(plane.heldOut, 150, 150),
      heldOut: sliceRows(plane.heldOut, 0, 150),
    };
    expect(await evaluate({ ...request, dataset: untested })).toEqual(
      await evaluate({ ...request, dataset: asTest }),
    );
  });

  test("tells what it is doing", async () => {
    const told: string[] = [];
    await evaluate({ ...request, onProgress: (what) => told.push(what) });
    expect(told[0]).toBe("drawing 500 samples");
    const measured = Object.keys(METRICS).filter((name) => !WITH_CLASSIFIER.includes(name));
    expect(told.slice(1)).toEqual(measured.map((name) => `measuring ${name}`));
  });

  test("trains a classifier once, and takes it from the folder after that", async () => {
    const folder = join(classifierFolder, "once");
    const told: string[] = [];
    const given = {
      ...request,
      dataset: images,
      sample: gaussian(784),
      classifierFolder: folder,
      metrics: WITH_CLASSIFIER,
      onProgress: (what: string) => told.push(what),
    };
    const first = await evaluate(given);
    expect(await evaluate(given)).toEqual(first);
    expect(told.filter((what) => what === "training a classifier of glyphs")).toHaveLength(1);
  });

  test("is refused in one line where it makes no sense", async () => {
    await refuses({ ...request, metrics: ["fid"] }, /no metric "fid".*parzen/);
    await refuses({ ...request, metrics: ["class-modes"] }, /class-modes: no classifier was asked for/);
    await refuses(
      { ...request, metrics: ["classifier-frechet"], classifierFolder },
      /classifier-frechet: "ring" is no images/,
    );
    await refuses({ ...request, metrics: ["toString"] }, /no metric "toString"/);
    await refuses({ ...request, dataset: images, metrics: ["modes"] }, /modes: the modes of "glyphs"/);
    await refuses({ ...request, sampleCount: 5, metrics: ["prdc"] }, /more than 5.*400 and 5/);
    const small = { ...plane, heldOut: sliceRows(plane.heldOut, 0, 1), test: null };
    await refuses({ ...request, dataset: small }, /too few to measure against/);
  });

  test("of a generator that gives no numbers is refused, and says which sample", async () => {
    const broken = async () => new Float32Array(1000).fill(1).fill(Number.NaN, 7, 8);
    await refuses({ ...request, sample: broken }, /sample 3 holds NaN/);
  });
});

describe("the real data's own figures", () => {
  test("are a ceiling: all modes, and near 1 throughout", async () => {
    const found = await evaluateRealData({ engine, dataset: plane, seed: 1 });
    expect(found["modesCovered"]).toBe(8);
    for (const name of ["precision", "recall", "coverage", "highQualityShare"]) {
      expect(found[name]).toBeGreaterThan(0.9);
    }
    const model = await evaluate(request);
    expect(found["parzenNats"]).toBeGreaterThan(model["parzenNats"]!);
    expect(found["matchDistance"]).toBeLessThan(model["matchDistance"]!);
  });

  test("are those of held-out examples where samples are compared with training ones", async () => {
    const figures = await evaluateRealData({ engine, dataset: plane, seed: 1, metrics: ["data-copying"] });
    expect(Math.abs(figures["dataCopying"]!)).toBeLessThan(3);
    expect(figures["authenticity"]).toBeGreaterThan(0.3);
    // Without a test part, the half of them that isn't measured against.
    const untested = { ...plane, test: null };
    const asTest = {
      ...plane,
      test: sliceRows(plane.heldOut, 150, 150),
      heldOut: sliceRows(plane.heldOut, 0, 150),
    };
    const [half, same] = await Promise.all(
      [untested, asTest].map((dataset) =>
        evaluateRealData({ engine, dataset, seed: 1, metrics: ["data-copying"] }),
      ),
    );
    expect(half).toEqual(same);
  });

  test("use every training example once at most, in an order that the seed gives", async () => {
    const drawn = await evaluateRealData({ engine, dataset: plane, seed: 1, sampleCount: 100 });
    expect(await evaluateRealData({ engine, dataset: plane, seed: 2, sampleCount: 100 })).not.toEqual(drawn);
    // All 600, whatever their order: the figures that don't depend on it are the same.
    const [a, b] = await Promise.all(
      [1, 2].map((seed) =>
        evaluateRealData({ engine, dataset: plane, seed, metrics: ["match-distance", "modes"] }),
      ),
    );
    expect(a).toEqual(b);
  });
});
