import { loadDataset } from "../../trainer/data/index.ts";
import type { Experiment, PaperContext, PaperRow } from "./experiment.ts";
import { over, single } from "./experiment.ts";
import { trainModel } from "./models.ts";
import { trainSmall } from "./small-runs.ts";

const SEEDS = [1, 2, 3];
const STEPS = 5000;
const SAMPLES = 10_000;
/** The data: N(0, 1) and N(16, 1), equally often. */
const CENTRES = [0, 16];
const [LOW, HIGH, BINS] = [-6, 22, 112];
const WIDTH = (HIGH - LOW) / BINS;
const MIDDLES = Array.from({ length: BINS }, (_, i) => LOW + (i + 0.5) * WIDTH);

/** Of 1,000 samples one is near to every example wherever most of them are; of 16 none is. */
const MODELS: Readonly<Record<string, { label: string; objective: string; set: readonly string[] }>> = {
  imle: { label: "IMLE, 16 samples a round", objective: "imle", set: [] },
  "imle-1000": {
    label: "IMLE, 1,000 samples a round",
    objective: "imle",
    set: ["objective.poolSize=1000", "objective.subsetSize=1024"],
  },
  "both-directions": { label: "both directions, 16 samples a round", objective: "reverse", set: [] },
};

/**
 * Maximum likelihood avoids zeros: a family that is too poor puts its mass between the modes, the other direction takes
 * one of them. Is it the divergence or the family? IMLE maximises likelihood over a rich one.
 */
export const zeroAvoiding: Experiment = {
  id: "a",
  name: "zero-avoiding",
  title: "Maximum likelihood spreads a poor family over the modes, and finds both with a rich one",
  needs: [],
  async run(context) {
    const { mean, deviation } = reverseKlFit();
    const shares = await trained(context);
    const models: PaperRow[] = Object.entries(MODELS).map(([name, { label }]) => ({
      name,
      label,
      values: sharesOf(shares[name]!),
    }));
    const densities = {
      data: MIDDLES.map(density),
      "one Gaussian, maximum likelihood": MIDDLES.map((x) => normal(x, 8, Math.sqrt(65))),
      "one Gaussian, reverse KL": MIDDLES.map((x) => normal(x, mean, deviation)),
      ...Object.fromEntries(
        Object.entries(MODELS).map(([name, { label }]) => [label, shares[name]![0]!.bins]),
      ),
    };
    const found = await likeliest(context);
    return {
      rows: [
        { name: "data", label: "data", values: sharesOf(await data()) },
        {
          name: "gaussian",
          label: "one Gaussian, maximum likelihood",
          values: { mean: over(found.map(([mu]) => mu)), deviation: over(found.map(([, sigma]) => sigma)) },
        },
        {
          name: "reverse-kl",
          label: "one Gaussian, reverse KL",
          values: { mean: single(mean), deviation: single(deviation) },
        },
        ...models,
      ],
      figures: { densities: drawing(densities) },
    };
  },
};

const normal = (x: number, mean: number, deviation: number) =>
  Math.exp(-0.5 * ((x - mean) / deviation) ** 2) / (deviation * Math.sqrt(2 * Math.PI));
const density = (x: number) => (normal(x, 0, 1) + normal(x, 16, 1)) / 2;

/** Mean and deviation of the likeliest Gaussian, for every seed of the data. */
function likeliest(context: PaperContext): Promise<[number, number][]> {
  return context.unit("gaussian", { SEEDS }, async () => {
    const fits: [number, number][] = [];
    for (const seed of SEEDS) {
      const dataset = await loadDataset({ name: "mixture1d", seed });
      const model = await trainModel(context, dataset, {
        preset: "mixture1d",
        objective: "gaussian",
        steps: 1,
        seed,
      });
      // A Gaussian is known by two of its latents: what it makes of many has its mean and deviation.
      const { mean, spread } = over([...(await model.sample(SAMPLES))]);
      fits.push([mean, spread]);
      await model.dispose();
    }
    return fits;
  });
}

interface Shares {
  readonly left: number;
  readonly right: number;
  readonly between: number;
  readonly bins: readonly number[];
}

/** Where numbers lie. */
function located(numbers: Float32Array): Shares {
  const share = (is: (x: number) => boolean) => numbers.filter(is).length / numbers.length;
  return {
    left: share((x) => Math.abs(x - CENTRES[0]!) < 3),
    right: share((x) => Math.abs(x - CENTRES[1]!) < 3),
    between: share((x) => x >= 3 && x <= 13),
    bins: MIDDLES.map((middle) => share((x) => Math.abs(x - middle) < WIDTH / 2) / WIDTH),
  };
}

/** Where the samples of every model are, of each seed. */
async function trained(context: PaperContext): Promise<Record<string, readonly Shares[]>> {
  // The last takes longest. With it first, the run that the others leave alone at the end is a short one.
  const names = Object.keys(MODELS).reverse();
  const runs = names.flatMap((name) => {
    const { label, objective, set } = MODELS[name]!;
    return SEEDS.map((seed) => ({
      unit: name,
      label: `a: ${label}`,
      request: { preset: "mixture1d", objective, set, steps: STEPS, seed },
    }));
  });
  const shares = await trainSmall(context, runs, { sampleCount: SAMPLES }, ({ samples }) => located(samples));
  return Object.fromEntries(
    names.map((name, i) => [name, shares.slice(i * SEEDS.length, (i + 1) * SEEDS.length)]),
  );
}

async function data(): Promise<readonly Shares[]> {
  const sets = await Promise.all(SEEDS.map((seed) => loadDataset({ name: "mixture1d", seed })));
  return sets.map(({ test }) => located(test!.values as Float32Array));
}

function sharesOf(all: readonly Shares[]) {
  return {
    "within 3σ of 0, %": over(all.map(({ left }) => 100 * left)),
    "within 3σ of 16, %": over(all.map(({ right }) => 100 * right)),
    "between the modes, %": over(all.map(({ between }) => 100 * between)),
  };
}

/** The Gaussian q with the smallest KL(q‖p), by looking at all on a grid; of the two equal ones, that at 0. */
function reverseKlFit(): { mean: number; deviation: number } {
  const step = 0.05;
  const steps = Array.from({ length: Math.round(60 / step) }, (_, i) => -22 + i * step);
  const logP = steps.map((x) => Math.log(Math.max(density(x), 1e-300)));
  let best = { mean: 0, deviation: 1, divergence: Number.POSITIVE_INFINITY };
  for (let mean = -2; mean <= 10; mean += 0.1) {
    for (let deviation = 0.5; deviation <= 10; deviation += 0.1) {
      let divergence = 0;
      steps.forEach((x, i) => {
        const q = normal(x, mean, deviation);
        if (q > 0) divergence += step * q * (Math.log(q) - logP[i]!);
      });
      if (divergence < best.divergence - 1e-9) best = { mean, deviation, divergence };
    }
  }
  return { mean: Math.round(best.mean * 10) / 10, deviation: Math.round(best.deviation * 10) / 10 };
}

function drawing(densities: Readonly<Record<string, readonly number[]>>) {
  const values = Object.entries(densities).flatMap(([model, heights]) =>
    heights.map((height, i) => ({ model, x: MIDDLES[i]!, density: height })),
  );
  return {
    width: 640,
    height: 260,
    data: { values },
    mark: { type: "line" as const, interpolate: "monotone" as const },
    encoding: {
      x: { field: "x", type: "quantitative" as const },
      y: { field: "density", type: "quantitative" as const },
      color: {
        field: "model",
        type: "nominal" as const,
        sort: Object.keys(densities),
        legend: { labelLimit: 300 },
      },
    },
  };
}
