import { CLASSIFIER_FOLDER } from "../../trainer/classifier/index.ts";
import type { Dataset } from "../../trainer/data/dataset.ts";
import { stackImages } from "../../trainer/data/stacked.ts";
import { evaluate, evaluateRealData } from "../../trainer/evaluate.ts";
import { dotPlot } from "./dot-plot.ts";
import { type Experiment, over, type PaperContext, type PaperRow } from "./experiment.ts";
import { countModes, modeValues } from "./mode-runs.ts";
import { trainModel } from "./models.ts";
import { ADVERSARIAL_PICTURES, VAE_SCALE } from "./picture-models.ts";
import { GRID, RING, STACKED } from "./published.ts";
import { scatterPlot } from "./scatter-plot.ts";

const SEEDS = [1, 2, 3, 4, 5];
const SMALL_STEPS = 10_000;
const STACKED_SEEDS = [1];
const STACKED_SAMPLES = 26_000;
const STACKED_STEPS = 4000;
/** Of codes, whose steps have neither a second network nor a search. */
const CODE_STEPS = 8000;
/** Of which it is looked whether they are copies. */
const COMPARED_SAMPLES = 5000;

/** What the published GANs use: half the rate, and a first moment that forgets faster. */
const ADVERSARIAL = ["optimiser.learningRate=0.0005", "optimiser.beta1=0.5"];
/** The presets' network was found for RS-IMLE; a GAN fares better with this one. */
const RECTIFIED = [
  "generator.latentSize=2",
  "generator.hidden=[256,256,256,256]",
  "generator.activation=relu",
];
/** By the likeliest scale, a VAE of two numbers tells nothing in its codes, and has one sample. */
const SCALE = ["objective.likelihoodScale=0.1"];

interface Model {
  readonly label: string;
  readonly objective: string;
  readonly set: readonly string[];
}

interface StackedModel extends Model {
  readonly steps: number;
}

const SMALL: Readonly<Record<string, Model>> = {
  gan: { label: "GAN", objective: "gan", set: ADVERSARIAL },
  "gan-rectified": {
    label: "GAN, 4 × 256 rectifiers",
    objective: "gan",
    set: [...ADVERSARIAL, ...RECTIFIED],
  },
  vae: { label: "VAE", objective: "vae", set: SCALE },
  imle: { label: "IMLE", objective: "imle", set: [] },
  "rs-imle": { label: "RS-IMLE", objective: "rs-imle", set: ["objective.reverseShare=0"] },
  "rs-imle-both": {
    label: "RS-IMLE, both directions",
    objective: "rs-imle",
    set: [],
  },
};

const stackedModels = (cuts: number): Readonly<Record<string, StackedModel>> => ({
  gan: {
    label: "GAN",
    objective: "gan",
    set: [...STACKED_LATENT, ...ADVERSARIAL_PICTURES],
    steps: STACKED_STEPS,
  },
  vae: {
    label: "VAE",
    objective: "vae",
    set: [...STACKED_LATENT, ...VAE_SCALE],
    steps: STACKED_STEPS,
  },
  imle: {
    label: "IMLE",
    objective: "imle",
    set: [...STACKED_LATENT, "objective.poolSize=10000"],
    steps: STACKED_STEPS,
  },
  glann: {
    label: "GLANN, local Gaussians",
    objective: "glann",
    set: [
      "generator.latentSize=96",
      "objective.codeJitter=0.05",
      "objective.mapObjective=local-gaussians",
      `objective.cuts=${cuts}`,
      "objective.cellRank=60",
    ],
    steps: CODE_STEPS,
  },
});
const STACKED_LATENT = ["generator.latentSize=48"];

/** Does a generator drop modes of the data? The published protocols, on ring, grid and stacked MNIST. */
export const modeDropping: Experiment = {
  id: "c",
  name: "mode-dropping",
  title: "IMLE drops no mode",
  needs: ["mnist"],
  async run(context) {
    const ring = await synthetic(context, "ring", RING);
    const grid = await synthetic(context, "grid", GRID);
    const digits = await stacked(context);
    return {
      rows: [...ring.rows, ...grid.rows, ...digits],
      figures: {
        modes: dotPlot([...ring.rows, ...grid.rows], ["modes", "within 3σ, %"]),
        stacked: dotPlot(digits, ["modes", "KL, nats"]),
      },
      pictures: { ring: await scatterPlot(ring.points), grid: await scatterPlot(grid.points) },
    };
  },
};

async function synthetic(
  context: PaperContext,
  name: "ring" | "grid",
  published: readonly PaperRow[],
): Promise<{ rows: PaperRow[]; points: Record<string, readonly number[]> }> {
  const models = Object.entries(SMALL);
  const variants = models.map(([model, { label, objective, set }]) => ({
    unit: `${name}-${model}`,
    label: `c: ${name}, ${label}`,
    request: { preset: name, objective, set, steps: SMALL_STEPS },
  }));
  const counted = await countModes(context, variants, SEEDS);
  const rows = models.map(([model, { label }], i) => ({
    name: `${name}-${model}`,
    label: `${name}: ${label}`,
    values: modeValues(counted[i]!),
  }));
  return {
    rows: [...rows, ...inSet(name, published)],
    points: Object.fromEntries(models.map(([, { label }], i) => [label, counted[i]![0]!.points])),
  };
}

/** Three MNIST digits as the channels of an image: 1,000 modes, counted by our classifier of MNIST. */
async function stacked(context: PaperContext): Promise<PaperRow[]> {
  const rows: PaperRow[] = [];
  const models = stackedModels(context.size === "smoke" ? 2 : 9);
  for (const [model, { label, objective, set, steps }] of Object.entries(models)) {
    const found = [];
    for (const seed of STACKED_SEEDS) {
      const request = { preset: "mnist-imle", objective, set, steps, seed };
      found.push(
        await context.unit(
          `stacked-${model}`,
          { ...request, STACKED_SAMPLES, COMPARED_SAMPLES },
          async () => {
            context.report(`c: stacked MNIST, ${label}, seed ${seed}`);
            const dataset = stackImages(await context.data("mnist"), 3, seed);
            const trained = await trainModel(context, dataset, request);
            const measured = await measureStacked(context, dataset, trained.sample);
            await trained.dispose();
            return measured;
          },
        ),
      );
    }
    rows.push(stackedRow(model, label, found));
  }
  const real = await context.unit("stacked-real", { STACKED_SAMPLES, COMPARED_SAMPLES }, async () => {
    context.report("c: stacked MNIST, training images");
    return measureStacked(context, stackImages(await context.data("mnist"), 3, STACKED_SEEDS[0]!), null);
  });
  rows.push(stackedRow("real", "training images", [real]));
  return [...rows, ...inSet("stacked", STACKED)];
}

interface StackedFigures {
  readonly modes: number;
  readonly kl: number;
  readonly dataCopying: number;
  readonly authenticity: number;
}

function stackedRow(name: string, label: string, found: readonly StackedFigures[]): PaperRow {
  return {
    name: `stacked-${name}`,
    label: `stacked MNIST: ${label}`,
    values: {
      modes: over(found.map(({ modes }) => modes)),
      "KL, nats": over(found.map(({ kl }) => kl)),
      C_T: over(found.map(({ dataCopying }) => dataCopying)),
      authentic: over(found.map(({ authenticity }) => authenticity)),
    },
  };
}

/** @param sample null: real images in the place of samples */
async function measureStacked(
  { engine, size }: PaperContext,
  dataset: Dataset,
  sample: ((count: number) => Promise<Float32Array<ArrayBuffer>>) | null,
): Promise<StackedFigures> {
  const figuresOf = (metric: string, samples: number) => {
    const request = {
      engine,
      dataset,
      seed: 1,
      sampleCount: size === "smoke" ? 200 : samples,
      metrics: [metric],
      classifierFolder: CLASSIFIER_FOLDER,
    };
    return sample
      ? evaluate({ ...request, sample: (_, __, count) => sample(count) })
      : evaluateRealData(request);
  };
  const classes = await figuresOf("class-modes", STACKED_SAMPLES);
  const copying = await figuresOf("data-copying", COMPARED_SAMPLES);
  return {
    modes: classes["classesPresent"]!,
    kl: classes["classKl"]!,
    dataCopying: copying["dataCopying"]!,
    authenticity: copying["authenticity"]!,
  };
}

const inSet = (name: string, rows: readonly PaperRow[]) =>
  rows.map((row) => ({ ...row, name: `${name}-${row.name}`, label: `${name}: ${row.label}` }));
