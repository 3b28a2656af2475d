import { resolveConfig } from "../../trainer/config.ts";
import { startTraining } from "../training.ts";
import { dotPlot } from "./dot-plot.ts";
import { type Experiment, type PaperContext, type PaperRow, single } from "./experiment.ts";
import { trainAndEvaluate } from "./models.ts";

const STEPS = 1500;
const DISTANCES = ["l2", "cosine", "random-projection", "features", "l2+0.5*features", "l1"];
/** Training that sees nothing but the first so many images, for the costs. */
const COST_STEPS = 40;

/** By what do examples pick their samples? And what does it cost, as pools and images grow? */
export const distances: Experiment = {
  id: "f",
  name: "distances",
  title: "Quality against the distance, and what a step costs (the questions of reviewer 3)",
  needs: ["mnist", "cifar10"],
  async run(context) {
    const rows: PaperRow[] = [];
    for (const distance of DISTANCES) rows.push(await quality(context, distance));
    for (const poolSize of [5000, 20_000, 80_000]) rows.push(await cost(context, "mnist", poolSize, 5000));
    for (const subsetSize of [1250, 20_000]) rows.push(await cost(context, "mnist", 20_000, subsetSize));
    rows.push(await cost(context, "cifar10", 20_000, 5000));
    return {
      rows,
      figures: {
        quality: dotPlot(
          rows.filter(({ values }) => values["precision"]),
          ["Parzen, nats", "recall", "Fréchet"],
        ),
        cost: dotPlot(
          rows.filter(({ values }) => values["search, %"]),
          ["ms a step", "sampling, %", "search, %", "descent, %"],
        ),
      },
    };
  },
};

async function quality(context: PaperContext, distance: string): Promise<PaperRow> {
  const request = {
    preset: "mnist-imle",
    objective: "imle",
    set: [
      `objective.distance=${distance}`,
      // The sum of absolute differences is searched number by number.
      "objective.poolSize=2500",
      "objective.subsetSize=1250",
    ],
    steps: STEPS,
    seed: 1,
  };
  const figures = await context.unit("distance", request, async () => {
    context.report(`f: distance ${distance}`);
    const metrics = ["parzen", "prdc", "classifier-frechet"];
    return trainAndEvaluate(context, await context.data("mnist"), request, metrics);
  });
  const of = (figure: string) => single(figures[figure]!);
  return {
    name: `distance-${distance.replaceAll(/\W+/g, "-")}`,
    label: `distance ${distance}`,
    values: {
      "Parzen, nats": single(figures["parzenNats"]!, figures["parzenNatsError"]!),
      precision: of("precision"),
      recall: of("recall"),
      coverage: of("coverage"),
      Fréchet: of("classifierFrechet"),
    },
  };
}

/** Where the time of a training goes: sampling, search, descent. */
async function cost(
  context: PaperContext,
  data: "mnist" | "cifar10",
  poolSize: number,
  subsetSize: number,
): Promise<PaperRow> {
  const small = context.size === "smoke";
  const set = [
    `objective.poolSize=${small ? 200 : poolSize}`,
    `objective.subsetSize=${small ? 100 : subsetSize}`,
    "objective.passes=1",
    ...(small ? ["generator.hidden=[16]"] : []),
  ];
  const steps = small ? 4 : Math.max(COST_STEPS, 2 * Math.floor(subsetSize / 128));
  const seconds = await context.unit("cost", { data, set, steps }, async () => {
    context.report(`f: cost, ${data}, pool ${poolSize}, ${subsetSize} examples a round`);
    const config = resolveConfig("mnist-imle", { set, budget: { steps } });
    const training = await startTraining(context.engine, config, await context.data(data));
    await training.advance(steps);
    const spent = { ...training.spent() };
    await training.close();
    return spent;
  });
  const total = Object.values(seconds).reduce((sum, part) => sum + part, 0);
  const share = (part: string) => single((100 * (seconds[part] ?? 0)) / total);
  const numbers = data === "mnist" ? 784 : 3072;
  return {
    name: `cost-${data}-${poolSize}-${subsetSize}`,
    label: `m = ${poolSize.toLocaleString("en")}, n = ${subsetSize.toLocaleString("en")}, D = ${numbers}`,
    values: {
      "ms a step": single((1000 * total) / steps),
      "sampling, %": share("sample"),
      "search, %": share("search"),
      "descent, %": share("descend"),
    },
  };
}
