import { moveToMeans } from "../../trainer/clustering/k-means.ts";
import { modelSpaceOf } from "../../trainer/data/model-space.ts";
import { evaluate } from "../../trainer/evaluate.ts";
import { nearestPoints } from "../../trainer/search/nearest-points.ts";
import { pointsInMemory } from "../../trainer/search/searcher.ts";
import { dotPlot } from "./dot-plot.ts";
import { type Experiment, type PaperContext, type PaperRow, single } from "./experiment.ts";
import { PICTURE_MODELS, pictureModel, realPictures } from "./picture-models.ts";
import { PARZEN } from "./published.ts";

/** The paper's table of log-likelihoods by Parzen windows, and why it says little: centroids beat real images. */
export const parzenTable: Experiment = {
  id: "b",
  name: "parzen",
  title: "Parzen log-likelihood on MNIST",
  needs: ["mnist"],
  async run(context) {
    const rows: PaperRow[] = [];
    for (const [name, { label }] of Object.entries(PICTURE_MODELS)) {
      rows.push(rowOf(name, label, (await pictureModel(context, "mnist", name)).metrics));
    }
    rows.push(rowOf("k-means", "centroids of k-means", await centroids(context)));
    rows.push(rowOf("real", "training images", await realPictures(context, "mnist")));
    const all = [...rows, ...PARZEN];
    return { rows: all, figures: { parzen: dotPlot(all, ["Parzen, nats", "recall", "coverage"]) } };
  },
};

function rowOf(name: string, label: string, metrics: Readonly<Record<string, number>>): PaperRow {
  const of = (figure: string) => (metrics[figure] === undefined ? null : single(metrics[figure]));
  return {
    name,
    label,
    values: {
      "Parzen, nats": single(metrics["parzenNats"]!, metrics["parzenNatsError"]!),
      precision: of("precision"),
      recall: of("recall"),
      coverage: of("coverage"),
      C_T: of("dataCopying"),
    },
  };
}

const CENTROIDS = 10_000;
const ITERATIONS = 5;

/** What Theis et al. 2016 (arXiv:1511.01844) show to beat real images by this measure. */
function centroids(context: PaperContext): Promise<Readonly<Record<string, number>>> {
  return context.unit("mnist-k-means", { CENTROIDS, ITERATIONS }, async () => {
    context.report("b: k-means");
    const { engine } = context;
    const dataset = await context.data("mnist");
    const { length } = dataset.train;
    const points = modelSpaceOf(dataset).outputUnits(dataset.train);
    const centres = points.slice(0, Math.min(CENTROIDS, dataset.train.count / 2) * length);
    for (let iteration = 0; iteration < ITERATIONS; iteration++) {
      const { indices } = await nearestPoints(engine, points, pointsInMemory(centres, length), length);
      moveToMeans(centres, points, length, indices);
    }
    return evaluate({
      engine,
      dataset,
      seed: 1,
      sampleCount: centres.length / length,
      metrics: ["parzen", "prdc", "data-copying"],
      sample: async () => centres,
    });
  });
}
