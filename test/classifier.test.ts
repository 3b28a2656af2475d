import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { createRandom } from "../shared/random.ts";
import { input } from "../trainer/autodiff/tensor.ts";
import { classShares } from "../trainer/classifier/class-shares.ts";
import { type Classified, channelwise } from "../trainer/classifier/classifier.ts";
import { crossEntropy, logSumExp } from "../trainer/classifier/cross-entropy.ts";
import { classifierObstacle, classifierOf } from "../trainer/classifier/index.ts";
import { trainClassifier } from "../trainer/classifier/train-classifier.ts";
import type { Dataset } from "../trainer/data/dataset.ts";
import { glyphs } from "../trainer/data/glyphs.ts";
import { modelSpaceOf } from "../trainer/data/model-space.ts";
import { ring } from "../trainer/data/ring.ts";
import { stackImages } from "../trainer/data/stacked.ts";
import { createEngine } from "../trainer/engine/index.ts";

const { engine } = await createEngine("cpu");
const folder = mkdtempSync(join(tmpdir(), "imle-classifier-"));
afterAll(async () => {
  await engine.dispose();
  rmSync(folder, { recursive: true });
});

const images = glyphs.create(1, { train: 3000, heldOut: 1000, test: 1000 });
const { outputUnits } = modelSpaceOf(images);

async function classified(dataset: Dataset, pictures: Float32Array<ArrayBuffer>): Promise<Classified> {
  const classifier = await classifierOf({ engine, dataset, folder });
  const found = await classifier.classify(pictures);
  await classifier.dispose();
  return found;
}

const share = (right: ArrayLike<unknown>, all: ArrayLike<unknown>) => right.length / all.length;

describe("the loss", () => {
  test("log Σ exp and the cross-entropy are those of their definitions, and overflow for no logits", async () => {
    const sizes = fc.record({
      columns: fc.integer({ min: 1, max: 13 }),
      scale: fc.constantFrom(1, 30, 1e4),
      seed: fc.nat(),
    });
    await fc.assert(
      fc.asyncProperty(sizes, async ({ columns, scale, seed }) => {
        const n = 5;
        const random = createRandom(seed);
        const logits = random.fillNormal(new Float32Array(n * columns)).map((value) => scale * value);
        const chosen = Array.from({ length: n }, () => random.below(columns));
        const labels = Float32Array.from({ length: n * columns }, (_, at) =>
          chosen[Math.floor(at / columns)] === at % columns ? 1 : 0,
        );
        const x = input("logits", [n, columns]);
        const program = await engine.compile({
          sums: logSumExp(x),
          loss: crossEntropy(x, input("labels", [n, columns])),
        });
        const found = await program.run({ logits, labels });
        await program.dispose();
        const sums = chosen.map((_, i) => {
          const row = logits.subarray(i * columns, (i + 1) * columns);
          const largest = Math.max(...row);
          return largest + Math.log(row.reduce((sum, value) => sum + Math.exp(value - largest), 0));
        });
        const losses = chosen.map((label, i) => sums[i]! - logits[i * columns + label]!);
        const rounding = 1e-6 * scale * columns;
        for (const [i, sum] of sums.entries()) {
          expect(Math.abs(found["sums"]![i]! - sum)).toBeLessThan(rounding);
        }
        const expected = losses.reduce((sum, value) => sum + value, 0) / n;
        expect(Math.abs(found["loss"]![0]! - expected)).toBeLessThan(rounding);
      }),
      { numRuns: 20 },
    );
  });
});

describe("a classifier", () => {
  test("trained on 3,000 glyphs knows 98 % of fresh ones; its features are 128 numbers, none negative", async () => {
    const { classes, features } = await classified(images, outputUnits(images.test!));
    const right = classes.filter((label, i) => label === images.test!.labels![i]);
    expect(share(right, classes)).toBeGreaterThan(0.98);
    expect(features).toHaveLength(1000 * 128);
    expect(features.every((value) => value >= 0)).toBe(true);
  });

  test("says the same of an image whatever stands beside it", async () => {
    const pictures = outputUnits(images.heldOut);
    const all = await classified(images, pictures);
    const few = await classified(images, pictures.slice(784 * 990));
    expect([...few.classes]).toEqual([...all.classes.subarray(990)]);
    for (const [i, value] of few.features.entries()) {
      expect(value).toBeCloseTo(all.features[990 * 128 + i]!, 3);
    }
  });

  test("is a function of the training examples, trained once and kept; a damaged file counts as none", async () => {
    const small = glyphs.create(1, { train: 200, heldOut: 10, test: 10 });
    const own = join(folder, "small");
    const told: string[] = [];
    const look = async (dataset: Dataset) => {
      const onProgress = (what: string) => told.push(what);
      const classifier = await classifierOf({ engine, dataset, folder: own, onProgress });
      const { features } = await classifier.classify(outputUnits(small.test!));
      await classifier.dispose();
      return features;
    };
    const first = await look(small);
    expect(await look({ ...small, heldOut: images.heldOut, test: images.test })).toEqual(first);
    expect(told).toEqual(["training a classifier of glyphs"]);

    const [file] = readdirSync(own).map((name) => join(own, name));
    const bytes = readFileSync(file!);
    bytes[100]! ^= 1;
    writeFileSync(file!, bytes);
    expect(await look(small)).toEqual(first);
    writeFileSync(file!, bytes.subarray(0, 1000));
    expect(await look(small)).toEqual(first);
    expect(told).toHaveLength(3);
    expect(readdirSync(own)).toHaveLength(1);

    expect(await look(glyphs.create(2, { train: 200, heldOut: 10, test: 10 }))).not.toEqual(first);
    expect(readdirSync(own)).toHaveLength(2);
  });

  test("serves where it can't be kept", async () => {
    const small = glyphs.create(1, { train: 40, heldOut: 10, test: 10 });
    const file = join(folder, "a-file");
    writeFileSync(file, "");
    const told: string[] = [];
    const request = { engine, dataset: small, folder: file, onProgress: (what: string) => told.push(what) };
    const classifier = await classifierOf(request);
    expect((await classifier.classify(outputUnits(small.test!))).classes).toHaveLength(10);
    await classifier.dispose();
    expect(told[1]).toMatch(/^the classifier is not kept \(.*(EEXIST|ENOTDIR)/);
  });

  test("comes out the same on another engine, up to rounding", async () => {
    const small = glyphs.create(1, { train: 40, heldOut: 10, test: 10 });
    const network = { imageShape: [28, 28, 1] as const, classCount: 10 };
    const other = (await createEngine("tfjs:wasm")).engine;
    const [ours, theirs] = [
      await trainClassifier(engine, network, small),
      await trainClassifier(other, network, small),
    ];
    await other.dispose();
    for (const [name, weights] of Object.entries(ours)) {
      const apart = weights.map((value, i) => Math.abs(value - theirs[name]![i]!));
      expect(apart.reduce((largest, value) => Math.max(largest, value), 0)).toBeLessThan(1e-5);
    }
  });

  test("there is one of labelled images of several classes only", () => {
    const without = (labels: Uint16Array<ArrayBuffer> | null) => ({
      ...images,
      train: { ...images.train, labels },
    });
    expect(classifierObstacle(images)).toBeNull();
    expect(classifierObstacle(ring.create(1))).toBe('"ring" is no images');
    expect(classifierObstacle(without(null))).toBe('the images of "glyphs" have no labels');
    expect(classifierObstacle(without(new Uint16Array(3000)))).toBe('"glyphs" has one class only');
  });
});

describe("stacked images", () => {
  const stacked = stackImages(images, 3, 7);

  test("are three images of the same part, as their labels say", () => {
    const { train, heldOut, test: tested, shape, labelNames, name } = stacked;
    expect({ name, shape }).toEqual({ name: "stacked-glyphs", shape: [28, 28, 3] });
    expect([train.count, heldOut.count, tested!.count]).toEqual([3000, 1000, 1000]);
    expect(labelNames).toHaveLength(1000);
    expect([labelNames![0], labelNames![407], labelNames![999]]).toEqual(["000", "407", "999"]);
    const rowText = (values: Uint8Array) => Buffer.from(values).toString("base64");
    for (const part of ["train", "heldOut", "test"] as const) {
      const singles = images[part]!;
      const labelOf = new Map(
        Array.from({ length: singles.count }, (_, row) => [
          rowText(singles.values.subarray(row * 784, (row + 1) * 784) as Uint8Array),
          singles.labels![row]!,
        ]),
      );
      for (let row = 0; row < 50; row++) {
        const digits = [0, 1, 2].map((channel) => {
          const start = row * 784 * 3 + channel;
          const plane = Uint8Array.from({ length: 784 }, (_, at) => stacked[part]!.values[start + 3 * at]!);
          return labelOf.get(rowText(plane));
        });
        expect(digits.join("")).toBe(labelNames![stacked[part]!.labels![row]!]);
      }
    }
  });

  test("are a function of the seed", () => {
    expect(stackImages(images, 3, 7).test).toEqual(stacked.test);
    expect(stackImages(images, 3, 8).test!.labels).not.toEqual(stacked.test!.labels);
  });

  test("are classified channel by channel, by the classifier of what they are made of", async () => {
    const { classes, features } = await classified(stacked, outputUnits(stacked.test!));
    const right = classes.filter((label, i) => label === stacked.test!.labels![i]);
    expect(share(right, classes)).toBeGreaterThan(0.98 ** 3);
    expect(features).toHaveLength(1000 * 3 * 128);
    const planes = outputUnits(stacked.test!).filter((_, at) => at % 3 === 2);
    const third = await classified(images, planes);
    expect([...features.subarray(2 * 128, 3 * 128)]).toEqual([...third.features.subarray(0, 128)]);
    expect(classes[0]! % 10).toBe(third.classes[0]);
  });

  test("have the shares of their digits, multiplied", () => {
    const uneven = { ...images, train: { ...images.train, labels: new Uint16Array(3000).fill(9, 1000) } };
    const shares = classShares(stackImages(uneven, 3, 1));
    expect(shares[0]).toBeCloseTo(1 / 27, 12);
    expect(shares[909]).toBeCloseTo(4 / 27, 12);
    expect(shares[100]).toBe(0);
  });

  test("of what has no labels, or colours, or too many classes, are refused in one line", () => {
    const unlabelled = { ...images, labelNames: null };
    expect(() => stackImages(unlabelled, 3, 1)).toThrow(
      /^data\.stack: .*28×28×1 without labels\. Leave it out\.$/,
    );
    expect(() => stackImages(ring.create(1), 3, 1)).toThrow(/vectors of 2/);
    expect(() => stackImages(stacked, 3, 1)).toThrow(/images of 28×28×3/);
    const many = { ...images, labelNames: Array.from({ length: 41 }, (_, i) => `${i}`) };
    expect(() => stackImages(many, 3, 1)).toThrow(/41 classes make 68921 of 3, at most 65536/);
  });
});

test("channel by channel, classes are digits and features stand side by side", async () => {
  /** The class is the pixel, the features the pixel and twice it. */
  const single = {
    classCount: 5,
    featureSize: 2,
    classify: async (pixels: Float32Array<ArrayBuffer>) => ({
      classes: Uint16Array.from(pixels),
      features: Float32Array.from([...pixels].flatMap((value) => [value, 2 * value])),
    }),
    dispose: async () => {},
  };
  const classifier = channelwise(single, 3);
  expect([classifier.classCount, classifier.featureSize]).toEqual([125, 6]);
  const { classes, features } = await classifier.classify(new Float32Array([1, 2, 3, 4, 0, 1]));
  expect([...classes]).toEqual([25 + 10 + 3, 100 + 1]);
  expect([...features]).toEqual([1, 2, 2, 4, 3, 6, 4, 8, 0, 0, 1, 2]);
});
