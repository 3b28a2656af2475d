/** Trains the classifier on labelled images. */

import { createRandom, type Random } from "../../shared/random.ts";
import { input } from "../autodiff/tensor.ts";
import type { Dataset } from "../data/dataset.ts";
import { modelSpaceOf } from "../data/model-space.ts";
import type { AdamSettings, Engine, ParameterValues } from "../engine/engine.ts";
import type { ImageShape } from "../layers/image.ts";
import { crossEntropy } from "./cross-entropy.ts";
import { applyNetwork, initialWeights, type NetworkShape } from "./network.ts";

/** All that decides which weights come out, beside the data. */
export const TRAINING = {
  epochs: 8,
  batchSize: 128,
  /** After the warm-up; it falls to 0 along half a cosine. */
  learningRate: 1.5e-3,
  warmupSteps: 100,
  /** Every image is moved by up to so many pixels in both directions, so that no position is learned by heart. */
  mostShift: 2,
  seed: 1,
} as const;

const ADAM: AdamSettings = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0, averageDecay: 0 };

/**
 * @param dataset labelled images; only its training examples are looked at
 * @returns       the trained weights by name
 */
export async function trainClassifier(
  engine: Engine,
  network: NetworkShape,
  dataset: Dataset,
): Promise<ParameterValues> {
  const { imageShape, classCount } = network;
  const { train: rows } = dataset;
  const space = modelSpaceOf(dataset);
  const random = createRandom(TRAINING.seed);
  const batchSize = Math.min(TRAINING.batchSize, rows.count);
  const stepsPerEpoch = Math.floor(rows.count / batchSize);
  const stepCount = TRAINING.epochs * stepsPerEpoch;

  const { logits } = applyNetwork(network, input("images", [batchSize, rows.length]));
  const loss = crossEntropy(logits, input("labels", [batchSize, classCount]));
  const parameters = await engine.createParameters(initialWeights(network, random.fork("weights")), ADAM);
  const descent = await engine.compileStep(loss, parameters);

  let order = new Uint32Array(0);
  const batchOf = (step: number) => {
    if (step % stepsPerEpoch === 0) order = random.fork("order", step).permutation(rows.count);
    const first = (step % stepsPerEpoch) * batchSize;
    const chosen = order.subarray(first, first + batchSize);
    const images = shifted(space.gather(rows, chosen), imageShape, random.fork("shift", step));
    const labels = new Float32Array(batchSize * classCount);
    for (const [i, row] of chosen.entries()) labels[i * classCount + rows.labels![row]!] = 1;
    return { images, labels };
  };
  for (let step = 0; step < stepCount; ) {
    const count = Math.min(descent.unroll, stepCount - step);
    const batches = Array.from({ length: count }, (_, i) => ({
      feeds: batchOf(step + i),
      learningRate: learningRateAt((step + i) / stepCount, step + i),
    }));
    await descent.run(batches);
    step += count;
  }
  const { weights } = await parameters.read();
  await descent.dispose();
  await parameters.dispose();
  return weights;
}

function learningRateAt(progress: number, step: number): number {
  const warmup = Math.min(1, (step + 1) / (TRAINING.warmupSteps + 1));
  return TRAINING.learningRate * warmup * 0.5 * (1 + Math.cos(Math.PI * progress));
}

/** Every image moved on its own; what comes in from outside is 0. */
function shifted(
  images: Float32Array<ArrayBuffer>,
  [height, width, channels]: ImageShape,
  random: Random,
): Float32Array<ArrayBuffer> {
  const { mostShift } = TRAINING;
  const length = height * width * channels;
  const moved = new Float32Array(images.length);
  for (let start = 0; start < images.length; start += length) {
    const down = random.below(2 * mostShift + 1) - mostShift;
    const right = random.below(2 * mostShift + 1) - mostShift;
    const firstColumn = Math.max(0, right);
    const columns = width - Math.abs(right);
    for (let y = Math.max(0, down); y < Math.min(height, height + down); y++) {
      const from = start + ((y - down) * width + firstColumn - right) * channels;
      moved.set(
        images.subarray(from, from + columns * channels),
        start + (y * width + firstColumn) * channels,
      );
    }
  }
  return moved;
}
