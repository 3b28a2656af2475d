/** Memorisation checks as the HTTP answers show them. */

import type { z } from "@hono/zod-openapi";
import { checkExample } from "../shared/memorisation-check.ts";
import type { Example } from "../shared/statistic.ts";
import type { calibrationSchema, checkSchema } from "./check-schema.ts";
import type { TrainingExamples } from "./training-examples.ts";

/** @param base where the model's routes begin */
export async function checkAnswer(
  training: TrainingExamples,
  example: Example,
  k: number,
  base: string,
): Promise<z.infer<typeof checkSchema>> {
  const { neighbours, ...check } = await checkExample(training, example, k);
  const isImage = training.search.dtype === "uint8";
  return {
    ...check,
    metric: "l2",
    neighbours: await Promise.all(
      neighbours.map(async ({ index, distance }) => ({
        index,
        distance,
        label: training.labelOf(index),
        ...(isImage
          ? { image: `${base}/train/${index}.png` }
          : { image: null, vector: Array.from(await training.search.row(index)) }),
      })),
    ),
  };
}

export function calibrationAnswer({ calibration }: TrainingExamples): z.infer<typeof calibrationSchema> {
  const { heldOut, alpha, statistic, neighbourhood, method } = calibration;
  return { heldOut, alpha, statistic, neighbourhood, method };
}
