/** The models that `npm run bench -- edge` serves. */

import { join } from "node:path";
import type { WeightType } from "../shared/manifest.ts";
import { createRandom } from "../shared/random.ts";
import { sizeOf } from "../trainer/autodiff/tensor.ts";
import type { Dataset } from "../trainer/data/dataset.ts";
import { glyphs } from "../trainer/data/glyphs.ts";
import { scanRows } from "../trainer/data/scan-rows.ts";
import { type BundleContent, writeBundle } from "../trainer/export/bundle.ts";
import { calibrate } from "../trainer/export/calibrate.ts";
import { siblingDistances } from "../trainer/export/siblings.ts";
import { withWeights } from "../trainer/export/store-weights.ts";
import type { FrozenGenerator } from "../trainer/generators/frozen.ts";
import { layerParameters } from "../trainer/generators/layers.ts";
import { generatorFor, MLP } from "./models.ts";

export type BenchBundles = Readonly<Record<WeightType, string>>;

/**
 * The MLP of `train/mlp-b128` with random weights, stored as every type.
 *
 * @param withRows whether int8's, which is served unless another is asked for, has as many training examples as MNIST
 */
export async function writeBenchBundles(folder: string, withRows: boolean): Promise<BenchBundles> {
  const generator = randomGenerator();
  const trainCount = withRows ? 60_000 : 1;
  const data = glyphs.create(1, { train: trainCount, heldOut: 200, test: 0 });
  const common = {
    latentSize: generator.latentSize,
    layers: generator.layers,
    output: { kind: "image" as const, shape: [28, 28, 1] as [number, number, 1], range: [0, 1] as [0, 1] },
    labels: data.labelNames,
    training: { objective: "none", engine: "none", seed: 1, steps: 0, config: {} },
    dataset: { name: "glyphs", trainCount, heldOutCount: 200, testCount: 0 },
    metrics: {},
    hnswIndex: null,
    preview: new Uint8Array(1),
    report: "",
  };
  const withoutRows = { train: null, calibration: null, siblings: null };
  const write = async (dtype: WeightType, rows: Pick<BundleContent, keyof typeof withoutRows>) => {
    const stored = withWeights(generator, dtype);
    const { weights } = stored.generator;
    const directory = join(folder, dtype);
    await writeBundle(directory, { ...common, ...rows, name: dtype, weights, storedWeights: stored.weights });
    return directory;
  };
  return {
    int8: await write("int8", withRows ? await rowsOf(data) : withoutRows),
    float16: await write("float16", withoutRows),
    float32: await write("float32", withoutRows),
  };
}

async function rowsOf({ train, heldOut, shape }: Dataset) {
  const scan = scanRows(train, shape);
  return {
    train,
    calibration: await calibrate(scan, train, heldOut, 0.01, () => {}),
    siblings: await siblingDistances(scan, () => {}),
  };
}

function randomGenerator(): FrozenGenerator {
  const random = createRandom(1);
  const { layers, latentSize } = generatorFor(MLP);
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
