/** A trained classifier: what it makes of images, on any engine. */

import { input } from "../autodiff/tensor.ts";
import type { Engine, Executable, ParameterValues } from "../engine/engine.ts";
import { paddedRows, padRows } from "../engine/padding.ts";
import { NO_TRAINING } from "../generators/plain.ts";
import { applyNetwork, FEATURE_SIZE, type NetworkShape, weightSpecs } from "./network.ts";

export interface Classifier {
  readonly classCount: number;
  /** Numbers that stand for an image. */
  readonly featureSize: number;
  /** @param images [n, height·width·channels] float32, pixels 0 … 1 */
  classify(images: Float32Array<ArrayBuffer>): Promise<Classified>;
  dispose(): Promise<void>;
}

export interface Classified {
  /** The likeliest class of every image. */
  readonly classes: Uint16Array<ArrayBuffer>;
  /** What the last hidden layer gives, [n, featureSize]. */
  readonly features: Float32Array<ArrayBuffer>;
}

/** Images that are looked at together. */
const BLOCK_ROWS = 512;

export async function createClassifier(
  engine: Engine,
  network: NetworkShape,
  weights: ParameterValues,
): Promise<Classifier> {
  const { classCount } = network;
  const length = network.imageShape.reduce((product, size) => product * size, 1);
  const initial = weightSpecs(network).map((spec) => ({ ...spec, values: weights[spec.name]! }));
  const parameters = await engine.createParameters(initial, NO_TRAINING);
  const programs = new Map<number, Executable>();

  async function programFor(rows: number): Promise<Executable> {
    const known = programs.get(rows);
    if (known) return known;
    const outputs = applyNetwork(network, input("images", [rows, length]));
    const program = await engine.compile({ ...outputs }, { parameters, use: "weights" });
    programs.set(rows, program);
    return program;
  }

  return {
    classCount,
    featureSize: FEATURE_SIZE,
    async classify(images) {
      const count = images.length / length;
      const classes = new Uint16Array(count);
      const features = new Float32Array(count * FEATURE_SIZE);
      for (let first = 0; first < count; first += BLOCK_ROWS) {
        const rows = Math.min(BLOCK_ROWS, count - first);
        const block = images.subarray(first * length, (first + rows) * length);
        const padded = paddedRows(rows, BLOCK_ROWS);
        const found = await (await programFor(padded)).run({ images: padRows(block, length, padded) });
        features.set(found["features"]!.subarray(0, rows * FEATURE_SIZE), first * FEATURE_SIZE);
        for (let i = 0; i < rows; i++) {
          const logits = found["logits"]!.subarray(i * classCount, (i + 1) * classCount);
          classes[first + i] = logits.indexOf(Math.max(...logits));
        }
      }
      return { classes, features };
    },
    async dispose() {
      for (const program of programs.values()) await program.dispose();
      await parameters.dispose();
    },
  };
}

/**
 * A classifier of images whose channels are images of one channel each: the classes' digits to base `classCount`, the
 * first channel's first, and the channels' features side by side.
 */
export function channelwise(classifier: Classifier, channels: number): Classifier {
  const { classCount, featureSize } = classifier;
  return {
    classCount: classCount ** channels,
    featureSize: featureSize * channels,
    async classify(images) {
      const pixels = images.length / channels;
      let combined: Classified | undefined;
      for (let channel = 0; channel < channels; channel++) {
        const plane = new Float32Array(pixels);
        for (let i = 0; i < pixels; i++) plane[i] = images[i * channels + channel]!;
        const { classes, features } = await classifier.classify(plane);
        combined ??= {
          classes: new Uint16Array(classes.length),
          features: new Float32Array(features.length * channels),
        };
        for (let i = 0; i < classes.length; i++) {
          combined.classes[i] = combined.classes[i]! * classCount + classes[i]!;
          const own = features.subarray(i * featureSize, (i + 1) * featureSize);
          combined.features.set(own, (i * channels + channel) * featureSize);
        }
      }
      return combined!;
    },
    dispose: () => classifier.dispose(),
  };
}
