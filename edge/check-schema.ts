import { z } from "@hono/zod-openapi";
import { VERDICT_NOTE } from "../shared/verdict.ts";

/** What a memorisation check answers, in /nearest and in /sample?check=1. */
export const checkSchema = z
  .object({
    verdict: z.enum(["copy", "close", "novel"]).openapi({
      description: "novel: pValue ≥ 0.05. close: below it. copy: below the calibration's alpha.",
    }),
    pValue: z.number().openapi({
      description:
        "(1 + held-out examples whose ratio is at least as small) / (1 + held-out): on fresh real examples it " +
        "is below alpha with probability alpha. Twice that where the calibration's method is leave-one-out.",
    }),
    distance: z
      .number()
      .openapi({ description: "L2 to the nearest training example; pixels run from 0 to 1." }),
    metric: z.literal("l2"),
    ratio: z.number().openapi({
      description:
        "The test statistic: distance to the nearest / mean distance to the `neighbourhood` nearest, by the distance " +
        "that the calibration's `statistic` names: as above, or of images what is left once they are aligned.",
    }),
    authentic: z.boolean().openapi({
      description:
        "Farther from its nearest training example than that one is from the rest of the training set.",
    }),
    neighbours: z.array(
      z.object({
        index: z.int(),
        distance: z.number(),
        label: z.string().nullable(),
        image: z.string().nullable().openapi({ description: "Where its picture is; null for vectors." }),
        vector: z.array(z.number()).optional().openapi({ description: "Vector models only." }),
      }),
    ),
  })
  .openapi("Check");

export const calibrationSchema = z
  .object({
    heldOut: z.int().openapi({ description: "How many real examples the p-value compares with." }),
    alpha: z.number().openapi({ description: "The false-positive rate of the verdict `copy`." }),
    statistic: z.enum(["neighbourhood-ratio", "aligned-ratio"]),
    neighbourhood: z.int(),
    method: z.enum(["held-out", "leave-one-out"]).openapi({
      description:
        "held-out: the real examples were not trained on. leave-one-out: training examples against the others, " +
        "where too few were held out.",
    }),
  })
  .openapi("Calibration");

export const noteSchema = z.string().openapi({ example: VERDICT_NOTE });
