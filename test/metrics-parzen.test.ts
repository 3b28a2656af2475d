import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { createRandom } from "../shared/random.ts";
import { sliceRows } from "../trainer/data/dataset.ts";
import { loadDataset } from "../trainer/data/index.ts";
import { modelSpaceOf } from "../trainer/data/model-space.ts";
import { createEngine } from "../trainer/engine/index.ts";
import { bestBandwidth, candidateBandwidths, logLikelihoods, parzen } from "../trainer/metrics/parzen.ts";
import { evaluationContext } from "./evaluation-context.ts";

const { engine } = await createEngine("cpu");
afterAll(() => engine.dispose());

function normals(seed: number, count: number): Float32Array<ArrayBuffer> {
  return createRandom(seed).fillNormal(new Float32Array(count));
}

/** The formula, in float64, one term after the other. */
function directly(
  samples: Float32Array,
  examples: Float32Array,
  length: number,
  bandwidth: number,
): number[] {
  const likelihoods: number[] = [];
  for (let x = 0; x < examples.length; x += length) {
    const exponents: number[] = [];
    for (let m = 0; m < samples.length; m += length) {
      let exponent = 0;
      for (let j = 0; j < length; j++) {
        exponent -= 0.5 * ((examples[x + j]! - samples[m + j]!) / bandwidth) ** 2;
      }
      exponents.push(exponent);
    }
    const largest = Math.max(...exponents);
    const mean = exponents.reduce((sum, e) => sum + Math.exp(e - largest), 0) / exponents.length;
    likelihoods.push(largest + Math.log(mean) - length * Math.log(bandwidth * Math.sqrt(2 * Math.PI)));
  }
  return likelihoods;
}

describe("log-likelihoods", () => {
  test("equal the formula in float64", async () => {
    const sizes = fc.record({
      sampleCount: fc.integer({ min: 1, max: 60 }),
      length: fc.integer({ min: 1, max: 40 }),
      seed: fc.nat(),
    });
    await fc.assert(
      fc.asyncProperty(sizes, async ({ sampleCount, length, seed }) => {
        const samples = normals(seed, sampleCount * length);
        const examples = normals(seed + 1, 7 * length);
        const bandwidths = [0.1, 0.3, 1];
        const found = await logLikelihoods(engine, samples, examples, length, bandwidths);
        bandwidths.forEach((bandwidth, b) => {
          directly(samples, examples, length, bandwidth).forEach((expected, i) => {
            expect(Math.abs(found[b]![i]! - expected)).toBeLessThan(1e-6 * Math.abs(expected) + 1e-3);
          });
        });
      }),
      { numRuns: 50 },
    );
  });

  test("of one sample are the normal density", async () => {
    const sample = new Float32Array([1, 2]);
    const examples = new Float32Array([1, 2, 2, 2, 1, 4]);
    const [found] = await logLikelihoods(engine, sample, examples, 2, [2]);
    const atCentre = -Math.log(2 * Math.PI * 4);
    expect([...found!]).toEqual([
      expect.closeTo(atCentre, 12),
      expect.closeTo(atCentre - 1 / 8, 12),
      expect.closeTo(atCentre - 1 / 2, 12),
    ]);
  });

  test("do not underflow a thousand bandwidths away", async () => {
    const [found] = await logLikelihoods(engine, new Float32Array([0, 3]), new Float32Array([1000]), 1, [1]);
    expect(found![0]).toBeCloseTo(-0.5 * 997 ** 2 - Math.log(2) - 0.5 * Math.log(2 * Math.PI), 3);
  });
});

describe("the bandwidth", () => {
  test("is chosen from logspace(−1, 0, 10) for images", () => {
    const published = [
      0.1, 0.12915497, 0.16681005, 0.21544347, 0.27825594, 0.35938137, 0.46415888, 0.59948425, 0.77426368, 1,
    ];
    const found = candidateBandwidths("image", new Float32Array(784), 784);
    expect(found).toEqual(published.map((value) => expect.closeTo(value, 8)));
  });

  test("scales with the data for vectors, from a thousandth of their spread to all of it", () => {
    const rows = normals(1, 2 * 5000);
    const found = candidateBandwidths("vector", rows, 2);
    const scaled = candidateBandwidths(
      "vector",
      rows.map((value) => 32 * value + 5),
      2,
    );
    expect(found[0]).toBeCloseTo(0.001, 4);
    expect(found.at(-1)).toBeCloseTo(1, 1);
    expect(scaled.map((value, i) => value / found[i]!)).toEqual(found.map(() => expect.closeTo(32, 4)));
  });

  test("is usable where all examples are equal", () => {
    const found = candidateBandwidths("vector", new Float32Array(10).fill(3), 2);
    expect(found.every((value) => Number.isFinite(value) && value > 0)).toBe(true);
  });

  test("is the one under which the validation examples are likeliest", async () => {
    const samples = normals(1, 2000);
    const examples = normals(2, 300);
    const bandwidths = [0.001, 0.01, 0.1, 0.2, 0.4, 0.8, 1.6];
    const means = bandwidths.map((bandwidth) => {
      const likelihoods = directly(samples, examples, 1, bandwidth);
      return likelihoods.reduce((sum, value) => sum + value, 0) / likelihoods.length;
    });
    const expected = bandwidths[means.indexOf(Math.max(...means))]!;
    expect(await bestBandwidth(engine, samples, examples, 1, bandwidths)).toBe(expected);
    expect(expected).toBeGreaterThan(0.01);
    expect(expected).toBeLessThan(1.6);
  });
});

const mnist = fileURLToPath(new URL("../../shared/data/mnist", import.meta.url));
const hasMnist = existsSync(mnist);

describe.skipIf(!hasMnist)("on MNIST (skipped without ../shared/data/mnist)", () => {
  test("10,000 training images score 242 ± 2.1 nats (Theis et al. 2016: 243), and what NumPy says to 0.001", async () => {
    const dataset = await loadDataset({ path: mnist, seed: 1 });
    const { outputUnits } = modelSpaceOf(dataset);
    const context = evaluationContext(engine, dataset, {
      validation: outputUnits(sliceRows(dataset.heldOut, 0, 1000)),
      samples: outputUnits(sliceRows(dataset.train, 0, 10_000)),
    });
    const figures = await parzen.evaluate(context);
    expect(Math.abs(figures["parzenNats"]! - 242)).toBeLessThan(2.1);
    // The published script's formulas in NumPy, all in float64, on the same images.
    expect(Math.abs(figures["parzenNats"]! - 241.192869)).toBeLessThan(0.001);
    expect(figures["parzenNatsError"]).toBeCloseTo(2.1303, 4);
    expect(figures["parzenBandwidth"]).toBeCloseTo(0.16681005, 8);
  });

  test("float32 distances move an image's likelihood by thousandths of a nat at most, at the narrowest bandwidth", async () => {
    const dataset = await loadDataset({ path: mnist, seed: 1 });
    const { outputUnits } = modelSpaceOf(dataset);
    const samples = outputUnits(sliceRows(dataset.train, 0, 400));
    const examples = outputUnits(sliceRows(dataset.test!, 0, 200));
    const [found] = await logLikelihoods(engine, samples, examples, 784, [0.1]);
    directly(samples, examples, 784, 0.1).forEach((expected, i) => {
      expect(Math.abs(found![i]! - expected)).toBeLessThan(0.003);
    });
  });
});
