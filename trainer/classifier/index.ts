/**
 * The project's own classifier of a data set: a small convolutional network, trained on the training examples the first
 * time it is asked for. Its features are what some metrics measure in. They are not Inception's, so a Fréchet distance
 * in them is no FID, and compares only with others of the same data set.
 */

import { join } from "node:path";
import type { Dataset } from "../data/dataset.ts";
import type { Engine } from "../engine/engine.ts";
import type { ImageShape } from "../layers/image.ts";
import { classifierKey, readWeights, writeWeights } from "./cache.ts";
import { type Classifier, channelwise, createClassifier } from "./classifier.ts";
import type { NetworkShape } from "./network.ts";
import { trainClassifier } from "./train-classifier.ts";

/** Where trained classifiers are kept unless somebody says otherwise. */
export const CLASSIFIER_FOLDER = join(".cache", "classifiers");

export interface ClassifierRequest {
  readonly engine: Engine;
  /** One that `classifierObstacle` has nothing against. */
  readonly dataset: Dataset;
  /** Where trained classifiers are kept. */
  readonly folder: string;
  /** Called as training goes on. */
  readonly onProgress?: ((what: string) => void) | undefined;
}

/** Why there can't be a classifier of this data set; null if there can. */
export function classifierObstacle({ name, kind, train }: Dataset): string | null {
  if (kind !== "image") return `"${name}" is no images`;
  if (!train.labels) return `the images of "${name}" have no labels`;
  if (train.labels.every((label) => label === train.labels![0])) return `"${name}" has one class only`;
  return null;
}

/** The data set's classifier, from the folder or trained now; the caller disposes of it. */
export async function classifierOf(request: ClassifierRequest): Promise<Classifier> {
  const { engine, dataset, folder, onProgress = () => {} } = request;
  const { channelsOf, shape } = dataset;
  if (channelsOf) {
    return channelwise(await classifierOf({ ...request, dataset: channelsOf }), shape[2]!);
  }
  const network: NetworkShape = { imageShape: shape as ImageShape, classCount: dataset.labelNames!.length };
  const key = classifierKey(dataset, network);
  const kept = await readWeights(folder, key, network);
  if (kept) return createClassifier(engine, network, kept);
  onProgress(`training a classifier of ${dataset.name}`);
  const weights = await trainClassifier(engine, network, dataset);
  await writeWeights(folder, key, network, weights).catch((error: Error) =>
    onProgress(`the classifier is not kept (${error.message})`),
  );
  return createClassifier(engine, network, weights);
}
