import { type Experiment, type PaperContext, type PaperRow, single } from "./experiment.ts";
import { inexactSearcher } from "./inexact-search.ts";
import { type ModelRequest, trainAndEvaluate } from "./models.ts";

const STEPS = 1500;
const SEED = 1;
const POOL = 5000;
const SUBSET = 1250;

/** Does it matter whether the search finds the nearest sample, how many it looks among, and whether it is the first? */
export const searchAccuracy: Experiment = {
  id: "e",
  name: "search-accuracy",
  title: "Quality against the accuracy of the search, the pool and k (the question of reviewer 2)",
  needs: ["mnist"],
  async run(context) {
    const rows: PaperRow[] = [];
    for (const recall of [1, 0.8, 0.6, 0.4, 0.2]) {
      rows.push(
        await row(context, `recall-${100 * recall}`, `recall@1 ${recall}, else one of the 10 nearest`, POOL, {
          recall,
          among: 10,
        }),
      );
    }
    for (const among of [2, 5, 10]) {
      rows.push(
        await row(context, `k-${among}`, `any of the k = ${among} nearest`, POOL, {
          recall: 1 / among,
          among,
        }),
      );
    }
    for (const pool of [1250, 2500, 5000, 10_000, 20_000]) {
      rows.push(await row(context, `pool-${pool}`, `pool of ${pool.toLocaleString("en")}`, pool, null));
    }
    const drawn = rows
      .filter(({ name }) => name.startsWith("recall"))
      .flatMap(({ name, values }) =>
        Object.entries(values).map(([figure, value]) => ({
          recall: Number(name.slice("recall-".length)) / 100,
          figure,
          value: value!.mean,
        })),
      );
    return {
      rows,
      figures: {
        recall: {
          data: { values: drawn },
          mark: { type: "line", point: true },
          encoding: {
            x: { field: "recall", type: "quantitative", title: "recall@1 of the search" },
            y: { field: "value", type: "quantitative" },
            facet: { field: "figure", type: "nominal", columns: 3 },
          },
          resolve: { scale: { y: "independent" } },
          width: 180,
          height: 140,
        },
      },
    };
  },
};

async function row(
  context: PaperContext,
  name: string,
  label: string,
  poolSize: number,
  inexactness: { recall: number; among: number } | null,
): Promise<PaperRow> {
  const request: ModelRequest = {
    preset: "mnist-imle",
    objective: "imle",
    set: [`objective.poolSize=${poolSize}`, `objective.subsetSize=${SUBSET}`],
    steps: STEPS,
    seed: SEED,
  };
  const figures = await context.unit(name, { ...request, inexactness }, async () => {
    context.report(`e: ${label}`);
    const searcher = inexactness ? inexactSearcher(inexactness) : undefined;
    const metrics = ["parzen", "prdc"];
    return trainAndEvaluate(context, await context.data("mnist"), request, metrics, { searcher });
  });
  const of = (figure: string) => single(figures[figure]!);
  return {
    name,
    label,
    values: {
      "Parzen, nats": single(figures["parzenNats"]!, figures["parzenNatsError"]!),
      precision: of("precision"),
      recall: of("recall"),
      coverage: of("coverage"),
    },
  };
}
