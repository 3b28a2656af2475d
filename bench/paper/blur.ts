import type { TopLevelSpec } from "vega-lite";
import { imageGrid } from "../../shared/image-grid.ts";
import { encodePng } from "../../shared/png.ts";
import { dotPlot } from "./dot-plot.ts";
import { type DataName, type Experiment, type PaperRow, single } from "./experiment.ts";
import { PICTURE_MODELS, pictureModel, realPictures, SHOWN } from "./picture-models.ts";
import { sideBySide } from "./side-by-side.ts";

const FRECHET = "Fréchet, our classifier's features";
const FIGURES: Readonly<Record<string, string>> = {
  precision: "precision",
  recall: "recall",
  density: "density",
  coverage: "coverage",
  classifierFrechet: FRECHET,
  dataCopying: "C_T",
  authenticity: "authentic",
};

/** Sharp samples, all modes, or both? Every objective on pictures, beside what real pictures reach. */
export const blur: Experiment = {
  id: "h",
  name: "blur",
  title: "Sharpness and coverage of every objective on MNIST and CIFAR-10",
  needs: ["mnist", "cifar10"],
  async run(context) {
    const figures: Record<string, TopLevelSpec> = {};
    const pictures: Record<string, Uint8Array> = {};
    const all: PaperRow[] = [];
    for (const data of ["mnist", "cifar10"] as const) {
      const rows: PaperRow[] = [];
      const grids: Record<string, Uint8Array> = {};
      const { shape, train } = await context.data(data);
      const grid = (bytes: ArrayLike<number>) =>
        encodePng(imageGrid(Uint8Array.from(bytes), SHOWN, shape as [number, number, 1 | 3]));
      for (const [name, { label }] of Object.entries(PICTURE_MODELS)) {
        // Its covariance of 3,072 numbers takes longer than all the rest.
        if (data === "cifar10" && name === "gaussian") continue;
        const { metrics, shown } = await pictureModel(context, data, name);
        rows.push(rowOf(data, name, label, metrics));
        grids[label] = grid(shown);
      }
      rows.push(rowOf(data, "real", "training images", await realPictures(context, data)));
      grids["training images"] = grid(train.values.subarray(0, SHOWN * train.length));
      figures[data] = dotPlot(rows, ["precision", "recall", "coverage", FRECHET]);
      pictures[data] = await sideBySide(grids);
      all.push(...rows);
    }
    return { rows: all, figures, pictures };
  },
};

function rowOf(
  data: DataName,
  name: string,
  label: string,
  metrics: Readonly<Record<string, number>>,
): PaperRow {
  const values = Object.entries(FIGURES).map(([figure, title]) => {
    const value = metrics[figure];
    return [title, value === undefined ? null : single(value)] as const;
  });
  return {
    name: `${data}-${name}`,
    label: `${data === "mnist" ? "MNIST" : "CIFAR-10"}: ${label}`,
    values: Object.fromEntries(values),
  };
}
