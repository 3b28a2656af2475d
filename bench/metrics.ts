/**
 * `npm run bench -- metrics`: what every metric says of samples whose defect is known. They are real MNIST images with
 * one thing wrong, so that each metric can be seen to notice it, or not to.
 *
 * The first 40,000 images are the training set; the next 10,000, which nothing is trained on, stand for samples.
 */

import { createRandom } from "../shared/random.ts";
import { CLASSIFIER_FOLDER } from "../trainer/classifier/index.ts";
import { type Dataset, type Rows, sliceRows, takeRows } from "../trainer/data/dataset.ts";
import { loadDataset } from "../trainer/data/index.ts";
import { modelSpaceOf } from "../trainer/data/model-space.ts";
import { createOnnxEngine } from "../trainer/engine/onnx-engine.ts";
import { evaluate } from "../trainer/evaluate.ts";
import { alteredCopies } from "./alterations.ts";
import type { Benchmark, BenchmarkRow } from "./row.ts";

const SEED = 1;
const SAMPLES = 10_000;
const MISSING = 7;
const REPEATED = 1000;

/** Samples by what is wrong with them. */
type Sets = Readonly<Record<string, () => Rows>>;

export const benchMetrics: Benchmark = async (report, { wants, mnist }) => {
  if (mnist === null) {
    report("metrics: left out, because they need MNIST. Give its folder with --data.");
    return [];
  }
  const whole = await loadDataset({ path: mnist, seed: SEED });
  const trainCount = whole.train.count - SAMPLES;
  const dataset = { ...whole, train: sliceRows(whole.train, 0, trainCount) };
  const engine = createOnnxEngine();
  const { outputUnits } = modelSpaceOf(dataset);
  const rows: BenchmarkRow[] = [];
  for (const [name, make] of Object.entries(setsOf(dataset, sliceRows(whole.train, trainCount, SAMPLES)))) {
    if (!wants(`metrics/${name}/`)) continue;
    const samples = outputUnits(make());
    const figures = await evaluate({
      engine,
      dataset,
      seed: SEED,
      sampleCount: samples.length / dataset.train.length,
      sample: async () => samples,
      classifierFolder: CLASSIFIER_FOLDER,
      onProgress: (what) => report(`metrics/${name}: ${what} …`),
    });
    for (const [figure, value] of Object.entries(figures)) {
      const label = `metrics/${name}/${figure}`;
      rows.push({ name: label, value, unit: "", spread: 0, peer: null, peerValue: null, ratio: null });
    }
  }
  await engine.dispose();
  return rows;
};

function setsOf({ train, shape }: Dataset, fresh: Rows): Sets {
  const altered = (name: string) => () =>
    alteredCopies(name, fresh, shape, SAMPLES, createRandom(SEED).fork("metrics"));
  const numbers = Array.from({ length: SAMPLES }, (_, i) => i);
  return {
    training: () => sliceRows(train, 0, SAMPLES),
    fresh: () => fresh,
    noise: altered("noise"),
    blurred: altered("blurred"),
    "class-missing": () =>
      takeRows(
        fresh,
        numbers.filter((i) => fresh.labels![i] !== MISSING),
      ),
    repeated: () =>
      takeRows(
        fresh,
        numbers.map((i) => i % REPEATED),
      ),
  };
}
