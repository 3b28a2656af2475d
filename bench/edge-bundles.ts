/** The models that `npm run bench -- edge` serves. */

import { join } from "node:path";
import type { WeightType } from "../shared/manifest.ts";
import { createRandom } from "../shared/random.ts";
import { sizeOf } from "../trainer/autodiff/tensor.ts";
import type { Dataset } from "../trainer/data/dataset.ts";
import { glyphs } from "../trainer/data/glyphs.ts";
import { scanRows } from "../trainer/data/scan-rows.ts";
import { writeBundle } from "../trainer/export/bundle.ts";
import { calibrate } from "../trainer/export/calibrate.ts";
import { siblingDistances } from "../trainer/export/siblings.ts";
import { withWeights } from "../trainer/export/store-weights.ts";
import type { FrozenGenerator } from "../trainer/generators/frozen.ts";
import { layerParameters } from "../trainer/generators/layers.ts";
import { type BenchModel, generatorFor, MLP } from "./models.ts";

export type BenchBundles = Readonly<Record<WeightType, string>>;

/**
 * The MLP of `train/mlp-b128` with random weights, stored as every type.
 *
 * @param withRows whether int8's, which is served unless another is asked for, has as many training examples as MNIST
 */
export async function writeBenchBundles(folder: string, withRows: boolean): Promise<BenchBundles> {
  const write = async (dtype: WeightType, trainCount: number) => {
    const directory = join(folder, dtype);
    await writeRandomBundle(directory, { name: dtype, model: MLP, seed: 1, dtype, trainCount });
    return directory;
  };
  return {
    int8: await write("int8", withRows ? 60_000 : 0),
    float16: await write("float16", 0),
    float32: await write("float32", 0),
  };
}

export interface RandomBundle {
  readonly name: string;
  readonly model: BenchModel;
  /** Of the weights. */
  readonly seed: number;
  readonly dtype: WeightType;
  /** How many glyphs; 0: the bundle comes without. */
  readonly trainCount: number;
}

export async function writeRandomBundle(directory: string, bundle: RandomBundle): Promise<void> {
  const { name, model, seed, dtype, trainCount } = bundle;
  const data = glyphs.create(1, { train: Math.max(trainCount, 1), heldOut: 200, test: 0 });
  const { generator, weights: storedWeights } = withWeights(randomGenerator(model, seed), dtype);
  const rows = trainCount > 0 ? await rowsOf(data) : { train: null, calibration: null, siblings: null };
  await writeBundle(directory, {
    ...rows,
    name,
    latentSize: generator.latentSize,
    layers: generator.layers,
    weights: generator.weights,
    storedWeights,
    output: { kind: "image", shape: [28, 28, 1], range: [0, 1] },
    labels: data.labelNames,
    training: { objective: "none", engine: "none", seed: 1, steps: 0, config: {} },
    dataset: { name: "glyphs", trainCount: data.train.count, heldOutCount: 200, testCount: 0 },
    metrics: {},
    index: null,
    preview: new Uint8Array(1),
    report: "",
  });
}

async function rowsOf({ train, heldOut, shape }: Dataset) {
  const scan = scanRows(train, shape);
  return {
    train,
    calibration: await calibrate(scan, train, heldOut, 0.01, () => {}),
    siblings: await siblingDistances(scan, () => {}),
  };
}

function randomGenerator(model: BenchModel, seed: number): FrozenGenerator {
  const random = createRandom(seed);
  const { layers, latentSize } = generatorFor(model);
  const weights = Object.fromEntries(
    layerParameters(layers, latentSize)
      .flatMap(({ kernel, bias }) => [kernel, bias])
      .map(({ name, shape }) => {
        const values = random.fillNormal(new Float32Array(sizeOf(shape)));
        return [name, values.map((value) => value * Math.sqrt(2 / shape[0]!))];
      }),
  );
  return { layers, latentSize, weights };
}
