/** Memorisation checks as the HTTP answers show them. */

import type { z } from "@hono/zod-openapi";
import type { Example } from "../shared/statistic.ts";
import type { calibrationSchema, checkSchema } from "./check-schema.ts";
import { checkExample } from "./memorisation-check.ts";
import type { TrainingExamples } from "./model-store.ts";

/** @param base where the model's routes begin */
export function checkAnswer(
  training: TrainingExamples,
  example: Example,
  k: number,
  base: string,
): z.infer<typeof checkSchema> {
  const { neighbours, ...check } = checkExample(training, example, k);
  const isImage = training.scan.dtype === "uint8";
  return {
    ...check,
    metric: "l2",
    neighbours: neighbours.map((neighbour) =>
      isImage
        ? { ...neighbour, image: `${base}/train/${neighbour.index}.png` }
        : { ...neighbour, image: null, vector: Array.from(training.scan.row(neighbour.index)) },
    ),
  };
}

export function calibrationAnswer({ calibration }: TrainingExamples): z.infer<typeof calibrationSchema> {
  const { heldOut, alpha, statistic, neighbourhood, method } = calibration;
  return { heldOut, alpha, statistic, neighbourhood, method };
}
