/** The process that `small-runs.ts` starts for a training. */

import { loadDataset } from "../../trainer/data/index.ts";
import { createOnnxEngine } from "../../trainer/engine/onnx-engine.ts";
import { trainModel } from "./models.ts";
import type { SmallRunRequest, SmallRunResult } from "./small-runs.ts";

process.once("message", async ({ request, size, sampleCount }: SmallRunRequest) => {
  const engine = createOnnxEngine({ threads: 1 });
  const dataset = await loadDataset({ name: request.preset, seed: request.seed });
  const model = await trainModel({ engine, size }, dataset, request);
  const samples = await model.sample(sampleCount);
  const result: SmallRunResult = { samples, loss: model.course.at(-1)!.loss };
  process.send!(result, () => process.disconnect());
});
