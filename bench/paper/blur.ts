import { previewPng } from "../../trainer/export/preview.ts";
import { type DataName, type Experiment, type PaperRow, single } from "./experiment.ts";
import { PICTURE_MODELS, pictureModel, realPictures } from "./picture-models.ts";

const FIGURES: Readonly<Record<string, string>> = {
  precision: "precision",
  recall: "recall",
  density: "density",
  coverage: "coverage",
  classifierFrechet: "Fréchet, our classifier's features",
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
    const rows: PaperRow[] = [];
    const pictures: Record<string, Uint8Array> = {};
    for (const data of ["mnist", "cifar10"] as const) {
      for (const [name, { label }] of Object.entries(PICTURE_MODELS)) {
        // Its covariance of 3,072 numbers takes longer than all the rest.
        if (data === "cifar10" && name === "gaussian") continue;
        const { metrics, shown } = await pictureModel(context, data, name);
        rows.push(rowOf(data, name, label, metrics));
        const [height, width, channels] = (await context.data(data)).shape as [number, number, 1 | 3];
        const output = {
          kind: "image" as const,
          shape: [height, width, channels] as const,
          range: [0, 1] as const,
        };
        const samples = Float32Array.from(shown, (value) => value / 255);
        pictures[`${data}-${name}`] = previewPng(samples, {
          ...output,
          shape: [...output.shape],
          range: [0, 1],
        });
      }
      rows.push(rowOf(data, "real", "training images", await realPictures(context, data)));
    }
    return { rows, pictures };
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
