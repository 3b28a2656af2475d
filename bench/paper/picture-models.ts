/** The models of pictures that several experiments look at: every objective with the same generator and steps. */

import { CLASSIFIER_FOLDER } from "../../trainer/classifier/index.ts";
import { evaluate, evaluateRealData } from "../../trainer/evaluate.ts";
import type { DataName, PaperContext } from "./experiment.ts";
import { trainModel } from "./models.ts";

const SEED = 1;
const SAMPLES = 10_000;
/** Of a picture grid. */
export const SHOWN = 64;

interface PictureModel {
  readonly label: string;
  readonly objective: string;
  readonly set: readonly string[];
}

/**
 * As GANs of pictures are trained: slowly, with a first moment that forgets faster, and normalised. Not normalised, it
 * makes one picture of noise (MNIST, after 1,000 steps).
 */
export const ADVERSARIAL_PICTURES: readonly string[] = [
  "optimiser.learningRate=0.0002",
  "optimiser.beta1=0.5",
  "generator.normalisation=batch",
  "objective.mirrorHidden=[512,256]",
];
/** Of the four that REPRODUCTION.md compares (b), the one with the lowest Fréchet distance. */
export const VAE_SCALE: readonly string[] = ["objective.likelihoodScale=0.45"];
const CODES = ["generator.latentSize=64", "objective.latentJitter=0"];

export const PICTURE_MODELS: Readonly<Record<string, PictureModel>> = {
  imle: { label: "IMLE", objective: "imle", set: [] },
  "adaptive-imle": { label: "Adaptive IMLE", objective: "adaptive-imle", set: [] },
  // Every sample of the pool is held against all examples, so the pool is smaller, and its pairs serve longer.
  "rs-imle": {
    label: "RS-IMLE",
    objective: "rs-imle",
    set: ["objective.rejectionRadius=4", "objective.poolSize=10000", "objective.passes=4"],
  },
  reverse: { label: "swapped direction", objective: "reverse", set: [] },
  glann: {
    label: "GLANN: codes, then IMLE",
    objective: "glann",
    set: [...CODES, "objective.mapObjective=imle", "objective.poolSize=50000", "objective.subsetSize=25000"],
  },
  "glann-local": {
    label: "GLANN: codes, then local Gaussians",
    objective: "glann",
    set: [...CODES, "objective.mapObjective=local-gaussians", "objective.cuts=10", "objective.cellRank=13"],
  },
  gan: { label: "GAN", objective: "gan", set: ADVERSARIAL_PICTURES },
  vae: { label: "VAE", objective: "vae", set: VAE_SCALE },
  gaussian: { label: "one Gaussian", objective: "gaussian", set: [] },
};

/** Steps of each, of which most models take two to seven minutes on two cores. */
const DATA: Readonly<Record<DataName, { preset: string; steps: number; set: readonly string[] }>> = {
  mnist: { preset: "mnist-imle", steps: 5000, set: [] },
  cifar10: {
    preset: "mnist-imle",
    steps: 2000,
    set: [
      "generator.latentSize=64",
      "generator.hidden=[1024,1024]",
      "objective.poolSize=5000",
      "objective.subsetSize=2500",
    ],
  },
};

export interface PictureFigures {
  readonly metrics: Readonly<Record<string, number>>;
  readonly seconds: number;
  /** SHOWN samples, each number 0 … 255. */
  readonly shown: readonly number[];
}

export function pictureModel(context: PaperContext, data: DataName, name: string): Promise<PictureFigures> {
  const { objective, set } = PICTURE_MODELS[name]!;
  const { preset, steps, set: ofData } = DATA[data];
  const smoke =
    context.size === "smoke" ? ["objective.cuts=2", "objective.poolSize=200", "generator.latentSize=16"] : [];
  const request = { preset, objective, set: [...set, ...ofData, ...smoke], steps, seed: SEED };
  return context.unit(`${data}-${name}`, { ...request, SAMPLES }, async () => {
    context.report(`${data}: ${name}`);
    const dataset = await context.data(data);
    const model = await trainModel(context, dataset, request);
    const metrics = await evaluate({
      engine: context.engine,
      dataset,
      seed: SEED,
      sampleCount: context.size === "smoke" ? 100 : SAMPLES,
      classifierFolder: CLASSIFIER_FOLDER,
      sample: (_, __, count) => model.sample(count),
    });
    const samples = await model.sample(SHOWN);
    await model.dispose();
    return {
      metrics,
      seconds: Object.values(model.seconds).reduce((sum, part) => sum + part, 0),
      shown: Array.from(samples, (value) => Math.round(255 * Math.min(1, Math.max(0, value)))),
    };
  });
}

/** What training images reach in the place of samples. */
export function realPictures(
  context: PaperContext,
  data: DataName,
): Promise<Readonly<Record<string, number>>> {
  return context.unit(`${data}-real`, { SAMPLES }, async () => {
    context.report(`${data}: real images`);
    return evaluateRealData({
      engine: context.engine,
      dataset: await context.data(data),
      seed: SEED,
      sampleCount: context.size === "smoke" ? 100 : SAMPLES,
      classifierFolder: CLASSIFIER_FOLDER,
    });
  });
}
