import { dotPlot } from "./dot-plot.ts";
import { type Experiment, type PaperContext, type PaperRow, single } from "./experiment.ts";
import { countModes, modeValues } from "./mode-runs.ts";
import { trainAndEvaluate } from "./models.ts";

const SHARES = [0, 0.25, 0.5, 0.75, 1];
const SEEDS = [1, 2, 3];
const GRID_STEPS = 6000;
const MNIST_STEPS = 1500;

/** Examples pick samples, samples pick examples, or both: the divergence's two directions. */
export const direction: Experiment = {
  id: "g",
  name: "direction",
  title: "The direction of the divergence, swapped and mixed (the question of reviewer 1)",
  needs: ["mnist"],
  async run(context) {
    const grid = await onGrid(context);
    const mnist: PaperRow[] = [];
    for (const share of SHARES) mnist.push(await onMnist(context, share));
    return {
      rows: [...grid, ...mnist],
      figures: {
        grid: dotPlot(grid, ["modes", "within 3σ, %"]),
        mnist: dotPlot(mnist, ["precision", "recall", "coverage"]),
      },
    };
  },
};

async function onGrid(context: PaperContext): Promise<PaperRow[]> {
  const variants = SHARES.map((share) => {
    const set = [`objective.reverseShare=${share}`];
    const request = { preset: "grid", objective: "reverse", set, steps: GRID_STEPS } as const;
    return { unit: "grid", label: `g: grid, share ${share}`, request };
  });
  const counted = await countModes(context, variants, SEEDS);
  return SHARES.map((share, i) => ({
    name: `grid-${100 * share}`,
    label: `grid, ${100 * share} % of the pairs picked by samples`,
    values: modeValues(counted[i]!),
  }));
}

async function onMnist(context: PaperContext, share: number): Promise<PaperRow> {
  const request = {
    preset: "mnist-imle",
    objective: "reverse",
    set: [`objective.reverseShare=${share}`, "objective.poolSize=5000", "objective.subsetSize=1250"],
    steps: MNIST_STEPS,
    seed: 1,
  };
  const figures = await context.unit("mnist", request, async () => {
    context.report(`g: MNIST, share ${share}`);
    return trainAndEvaluate(context, await context.data("mnist"), request, ["prdc"]);
  });
  const of = (figure: string) => single(figures[figure]!);
  return {
    name: `mnist-${100 * share}`,
    label: `MNIST, ${100 * share} % of the pairs picked by samples`,
    values: {
      precision: of("precision"),
      recall: of("recall"),
      density: of("density"),
      coverage: of("coverage"),
    },
  };
}
