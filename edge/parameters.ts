/** What requests may carry: the schemas that validate are the ones that /openapi.json publishes. */

import { z } from "@hono/zod-openapi";
import { MAX_NEIGHBOURS } from "../shared/neighbour-scan.ts";
import { MAX_SEED } from "../shared/random.ts";
import { MAX_SAMPLES, MAX_TEMPERATURE } from "./sample-limits.ts";

/** A whole number written in decimal digits. */
function wholeNumber(minimum: number, maximum: number, description: string) {
  return z
    .string({ error: repeated })
    .transform((text, context) => {
      const value = Number(text);
      if (!/^\d+$/.test(text) || value < minimum || value > maximum) {
        context.addIssue(`expected a whole number from ${minimum} to ${maximum}, got ${quote(text)}`);
        return z.NEVER;
      }
      return value;
    })
    .optional()
    .openapi({ type: "integer", minimum, maximum, description });
}

function decimal(minimum: number, maximum: number, description: string) {
  return z
    .string({ error: repeated })
    .transform((text, context) => {
      const value = Number(text);
      if (!/^(\d+\.?\d*|\.\d+)$/.test(text) || value < minimum || value > maximum) {
        context.addIssue(`expected a number from ${minimum} to ${maximum}, got ${quote(text)}`);
        return z.NEVER;
      }
      return value;
    })
    .optional()
    .openapi({ type: "number", minimum, maximum, description });
}

function oneOf<const T extends readonly [string, ...string[]]>(values: T, description: string) {
  return z
    .enum(values, {
      error: ({ input }) => `expected ${values.join(" or ")}, got ${quote(input)}`,
    })
    .optional()
    .openapi({ description });
}

const repeated = "expected one value, got several";

function quote(input: unknown): string {
  return JSON.stringify(input)?.slice(0, 60) ?? "nothing";
}

const version = z
  .string({ error: repeated })
  .optional()
  .openapi({
    description:
      "The version of the model that you mean (`version` in /manifest.json). Answers with it may be cached " +
      "for ever; 404 if that version is not served any more.",
  });

export const versionQuery = z.strictObject({ v: version });

export const sampleQuery = z.strictObject({
  n: wholeNumber(1, MAX_SAMPLES, "How many samples. Default 1."),
  seed: wholeNumber(
    0,
    MAX_SEED,
    "Sample i depends on the model, the seed, i, the temperature and the label alone. Left out: drawn at random, and " +
      "told in the header x-imle-seed.",
  ),
  format: oneOf(
    ["png", "json", "npy"],
    "png (images only; n > 1: a grid), json, or npy (float32 [n, …shape]). Left out: chosen by Accept.",
  ),
  label: z.string({ error: repeated }).optional().openapi({
    description:
      "A class's name; class-conditional models only. Left out: each sample's is drawn as often as the training data have it.",
  }),
  temperature: decimal(
    0,
    MAX_TEMPERATURE,
    "Scales the latent: 0 is the centre, 1 (default) the model's own.",
  ),
  check: oneOf(["0", "1"], "1: every sample's memorisation check beside it (json only)."),
  v: version,
});

export const nearestQuery = z.strictObject({
  k: wholeNumber(1, MAX_NEIGHBOURS, "How many neighbours. Default 5."),
  v: version,
});

/**
 * An array of numbers, looked at until the first that is wrong. Zod's own would describe each of a million, and run out
 * of stack.
 */
function numbers(
  isRight: (value: unknown) => boolean,
  rule: string,
  items: { readonly type: "integer" | "number"; readonly minimum?: number; readonly maximum?: number },
  description: string,
) {
  return z
    .custom<number[]>(Array.isArray, { error: "expected an array of numbers" })
    .superRefine((values, context) => {
      const wrong = values.findIndex((value) => !isRight(value));
      if (wrong >= 0) context.addIssue({ code: "custom", path: [wrong], message: rule });
    })
    .openapi({ type: "array", items, description });
}

const isByte = (value: unknown) => Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 255;
const pixelRule = "expected whole numbers from 0 to 255 (if yours run from 0 to 1, multiply by 255)";

export const nearestBody = z
  .union([
    z.strictObject({
      pixels: numbers(
        isByte,
        pixelRule,
        { type: "integer", minimum: 0, maximum: 255 },
        "An image as whole numbers from 0 to 255: height × width × channels, row by row.",
      ),
    }),
    z.strictObject({
      vector: numbers(
        Number.isFinite,
        "expected a finite number",
        { type: "number" },
        "A vector in the data's own units; vector models only.",
      ),
    }),
    z.strictObject({
      seed: z
        .int({ error: `expected a whole number from 0 to ${MAX_SEED}` })
        .min(0)
        .openapi({ description: "A sample of the model itself: the one that /sample draws from this seed." }),
      index: z
        .int({ error: `expected a whole number from 0 to ${MAX_SAMPLES - 1}` })
        .min(0)
        .max(MAX_SAMPLES - 1)
        .default(0)
        .openapi({ description: "Which sample of the seed." }),
      temperature: z.number().min(0).max(MAX_TEMPERATURE).default(1),
      label: z
        .string()
        .optional()
        .openapi({ description: "The class that was asked of /sample, if one was." }),
    }),
  ])
  .openapi("Example");

export type NearestBody = z.infer<typeof nearestBody>;

/**
 * One line for what a schema found wrong first.
 *
 * @param input what was validated
 */
export function describeIssue(error: z.core.$ZodError, input: unknown): string {
  const issue = error.issues[0]!;
  if (issue.code === "unrecognized_keys") return `${issue.keys.join(", ")}: unknown`;
  if (issue.code === "invalid_union") {
    // Of the kinds of body, the one that has no unknown keys and is wrong in a key that is there.
    const meant = issue.errors.find((issues) => issues.every(({ code }) => code !== "unrecognized_keys"));
    const [key, ...rest] = meant?.[0]?.path ?? [];
    if (meant && typeof input === "object" && input && key !== undefined && key in input) {
      return `${[key, ...rest].join(".")}: ${meant[0]!.message}`;
    }
    return 'expected {"pixels": […]}, {"vector": […]} or {"seed": …, "index": …}';
  }
  return issue.path.length > 0 ? `${issue.path.join(".")}: ${issue.message}` : issue.message;
}
