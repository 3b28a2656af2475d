/** The process that `mode-runs.ts` starts for a training. */

import { loadDataset } from "../../trainer/data/index.ts";
import { createOnnxEngine } from "../../trainer/engine/onnx-engine.ts";
import { measureModes } from "../../trainer/metrics/modes.ts";
import type { CountedModes, ModeRunRequest } from "./mode-runs.ts";
import { trainModel } from "./models.ts";

/** As published. */
const SAMPLES = 2500;

process.once("message", async ({ request, size, kept }: ModeRunRequest) => {
  const engine = createOnnxEngine({ threads: 1 });
  const dataset = await loadDataset({ name: request.preset, seed: request.seed });
  const { length } = dataset.train;
  const model = await trainModel({ engine, size }, dataset, request);
  const samples = await model.sample(SAMPLES);
  const counted: CountedModes = {
    ...measureModes(samples, dataset.modes!, length),
    loss: model.course.at(-1)!.loss,
    points: Array.from(samples.subarray(0, kept * length), (value) => Number(value.toFixed(4))),
  };
  process.send!(counted, () => process.disconnect());
});
