import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createRandom } from "../shared/random.ts";
import { input } from "../trainer/autodiff/tensor.ts";
import { type Config, resolveConfig } from "../trainer/config.ts";
import type { Dataset } from "../trainer/data/dataset.ts";
import { glyphs } from "../trainer/data/glyphs.ts";
import { modelSpaceOf } from "../trainer/data/model-space.ts";
import { ring } from "../trainer/data/ring.ts";
import type { Distance, DistanceContext } from "../trainer/distances/distance.ts";
import { DISTANCES, prepareDistance } from "../trainer/distances/index.ts";
import type { Engine, NamedNumbers, Program } from "../trainer/engine/engine.ts";
import { createEngine } from "../trainer/engine/index.ts";

type Numbers = Float32Array<ArrayBuffer>;

let engine: Engine;
beforeAll(async () => {
  ({ engine } = await createEngine("cpu"));
});
afterAll(() => engine.dispose());

const images = glyphs.create(1, { train: 200, heldOut: 1, test: 1 });
const { length } = images.train;
const space = modelSpaceOf(images);

function contextOf(dataset: Dataset, distance: string, ...set: string[]): DistanceContext {
  const config: Config = resolveConfig("glyphs", {
    set: [`objective.distance=${distance}`, "objective.featureSteps=60", ...set],
  });
  return { engine, train: dataset.train, shape: dataset.shape, space: modelSpaceOf(dataset), config };
}

const prepare = (distance: string, ...set: string[]) => prepareDistance(contextOf(images, distance, ...set));

async function run(program: Program, feeds: NamedNumbers): Promise<number[]> {
  const compiled = await engine.compile(program);
  const { found } = await compiled.run(feeds);
  const numbers = [...found!];
  await compiled.dispose();
  return numbers;
}

/** Distances of row i of `a` to row i of `b`. */
function pairedOf(distance: Distance, a: Numbers, b: Numbers): Promise<number[]> {
  const shape = [a.length / length, length];
  return run({ found: distance.paired(input("a", shape), input("b", shape)) }, { a, b });
}

/** The same up to float32's rounding in sums of about `size`. */
function expectNear(found: number, expected: number, size: number): void {
  expect(Math.abs(found - expected)).toBeLessThan(1e-5 * Math.max(size, 1));
}

const some = (first: number, count: number) =>
  space.gather(
    images.train,
    Array.from({ length: count }, (_, i) => first + i),
  );

/** In plain float64, where a distance has a formula. */
const REFERENCE: Readonly<Record<string, (a: Numbers, b: Numbers) => number>> = {
  l2: (a, b) => a.reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0),
  l1: (a, b) => a.reduce((sum, value, i) => sum + Math.abs(value - b[i]!), 0),
  cosine(a, b) {
    const dot = (x: Numbers, y: Numbers) => x.reduce((sum, value, i) => sum + value * y[i]!, 0);
    return 1 - dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
  },
};
REFERENCE satisfies Record<string, unknown>;
const COMBINED = ["l2+0.25*l1", "0.5*l2+2*cosine", "3*random-projection"];

describe.each([...Object.keys(DISTANCES), ...COMBINED])("distance %s", (name) => {
  const [n, m] = [4, 6];
  let distance: Distance;
  beforeAll(async () => {
    distance = await prepare(name);
  });

  test("is 0 from an example to itself, and the same both ways", async () => {
    const [a, b] = [some(0, n), some(10, n)];
    for (const itself of await pairedOf(distance, a, a)) expect(itself).toBeCloseTo(0, 9);
    const there = await pairedOf(distance, a, b);
    expect(Math.min(...there)).toBeGreaterThan(0);
    (await pairedOf(distance, b, a)).forEach((back, i) => {
      expectNear(back, there[i]!, there[i]!);
    });
  });

  test.skipIf(!(name in REFERENCE))("is what its formula says (skipped where there is none)", async () => {
    const [a, b] = [some(0, n), some(20, n)];
    (await pairedOf(distance, a, b)).forEach((found, i) => {
      const row = (values: Numbers) => values.subarray(i * length, (i + 1) * length);
      expectNear(found, REFERENCE[name]!(row(a), row(b)), found);
    });
  });

  test("the ranking differs from it by something that depends on the query alone", async () => {
    const [queries, points] = [some(0, n), some(30, m)];
    const ranking = distance.ranking(input("a", [n, length]), input("b", [m, length]));
    const found = await run({ found: ranking }, { a: queries, b: points });
    for (let i = 0; i < n; i++) {
      const query = Float32Array.from({ length: m * length }, (_, j) => queries[i * length + (j % length)]!);
      const toPoints = await pairedOf(distance, query, points);
      for (let j = 0; j < m; j++) {
        expectNear(found[i * m + j]! - found[i * m]!, toPoints[j]! - toPoints[0]!, 10 * toPoints[j]!);
      }
    }
  });

  test("where it has an embedding, it is the squared L2 distance there", async () => {
    if (!distance.embedding) return expect(name).toContain("l1");
    const { of, length: width } = distance.embedding;
    const [a, b] = [some(0, n), some(40, n)];
    const embedded = async (rows: Numbers) =>
      of ? await run({ found: of(input("x", [n, length])) }, { x: rows }) : [...rows];
    const [there, other] = [await embedded(a), await embedded(b)];
    expect(there).toHaveLength(n * width);
    (await pairedOf(distance, a, b)).forEach((found, i) => {
      let squared = 0;
      for (let j = i * width; j < (i + 1) * width; j++) squared += (there[j]! - other[j]!) ** 2;
      expectNear(squared, found, found);
    });
  });

  test("is the same again, prepared again", async () => {
    const [a, b] = [some(0, n), some(50, n)];
    expect(await pairedOf(await prepare(name), a, b)).toEqual(await pairedOf(distance, a, b));
  });
});

test("a random projection keeps squared distances on average", async () => {
  const [a, b] = [some(0, 100), some(100, 100)];
  const projected = await pairedOf(await prepare("random-projection"), a, b);
  const own = await pairedOf(await prepare("l2"), a, b);
  const ratios = projected.map((value, i) => value / own[i]!);
  const mean = ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length;
  // One ratio's deviation is √(2 / 256) = 0.09 (a chi-squared of 256 degrees of freedom), the same for all pairs at worst.
  expect(Math.abs(mean - 1)).toBeLessThan(0.27);
  expect(Math.max(...ratios.map((ratio) => Math.abs(ratio - 1)))).toBeLessThan(0.45);
});

test("features lie as far apart as the examples themselves, on average", async () => {
  const distance = await prepare("features");
  const [a, b] = [some(0, 100), some(100, 100)];
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const ratio = mean(await pairedOf(distance, a, b)) / mean(await pairedOf(await prepare("l2"), a, b));
  expect(ratio).toBeGreaterThan(0.8);
  expect(ratio).toBeLessThan(1.25);
});

test("an autoencoder's features see less of noise than of another image", async () => {
  const [side, count] = [12, 300];
  const random = createRandom(4);
  const values = new Uint8Array(count * side * side);
  for (let image = 0; image < count; image++) {
    const [top, left] = [random.below(8), random.below(8)];
    for (let i = 0; i < 16; i++) {
      values[image * side * side + (top + Math.floor(i / 4)) * side + left + (i % 4)] = 255;
    }
  }
  const squares: Dataset = {
    ...images,
    shape: [side, side, 1],
    train: { count, length: side * side, values, labels: null },
  };
  const rows = (first: number) =>
    space.gather(
      squares.train,
      Array.from({ length: 50 }, (_, i) => first + i),
    );
  const [a, b] = [rows(0), rows(50)];
  const noise = createRandom(3).fillNormal(new Float32Array(a.length));
  const noisy = a.map((value, i) => value + 0.2 * noise[i]!);
  const share = async (name: string) => {
    const distance = await prepareDistance(contextOf(squares, name, "objective.featureSteps=800"));
    const shape = [50, side * side];
    const found = distance.paired(input("a", shape), input("b", shape));
    const total = async (to: Numbers) =>
      (await run({ found }, { a, b: to })).reduce((sum, each) => sum + each, 0);
    return (await total(noisy)) / (await total(b));
  };
  expect(await share("features")).toBeLessThan((await share("l2")) / 2);
});

describe("what doesn't fit is refused before training", () => {
  const vectors = ring.create(1, { train: 50, heldOut: 1, test: 1 });
  test.each([
    ["manhattan", /"manhattan" is no distance. There are l2, l1, .*l2\+0\.1\*features/],
    ["l2+", /"" is no distance/],
    ["0*l2", /the weight of l2 is 0, expected a number above 0/],
  ])("objective.distance=%s", (text, message) => {
    expect(() => resolveConfig("glyphs", { set: [`objective.distance=${text}`] })).toThrow(message);
  });

  test.each([
    [
      "features",
      [],
      /fits an autoencoder to images .* examples are 2 numbers\. Say --set objective\.distance=l2/,
    ],
    ["random-projection", [], /projectionSize 256 is no less than the 2 numbers/],
    ["features", ["objective.featureModel=missing.onnx"], /there is no file missing\.onnx/],
  ])("%s on 2-D data %j", async (distance, set, message) => {
    await expect(prepareDistance(contextOf(vectors, distance, ...set))).rejects.toThrow(message);
  });

  test("a file that is no model", async () => {
    const folder = mkdtempSync(join(tmpdir(), "imle-features-"));
    for (const [file, message] of [
      ["text.onnx", /text\.onnx: .*not an ONNX model/],
      ["text.json", /text\.json: /],
      ["text.txt", /expected an \.onnx file or a TF\.js model\.json/],
    ] as const) {
      const path = join(folder, file);
      writeFileSync(path, "no model");
      await expect(prepare("features", `objective.featureModel=${path}`)).rejects.toThrow(message);
    }
    rmSync(folder, { recursive: true });
  });
});
