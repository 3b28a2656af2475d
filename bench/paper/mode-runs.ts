import { loadDataset } from "../../trainer/data/index.ts";
import { type ModeCoverage, measureModes } from "../../trainer/metrics/modes.ts";
import { over, type PaperContext, type PaperRow } from "./experiment.ts";
import { type SmallRun, trainSmall } from "./small-runs.ts";

/** As published. */
const SAMPLES = 2500;
/** Samples that a result holds, for drawings. */
const KEPT = 1000;

/** A training on a mixture whose modes are known, once with every seed. */
export interface ModeVariant extends Omit<SmallRun, "request"> {
  readonly request: Omit<SmallRun["request"], "seed"> & { readonly preset: "ring" | "grid" };
}

export interface CountedModes extends ModeCoverage {
  readonly loss: number;
  /** Samples, one number after the other, to four places. */
  readonly points: readonly number[];
}

/**
 * Trains them, and counts the modes that their samples reach.
 *
 * @param seeds of which a smoke run takes two
 * @returns of every variant a result for each seed
 */
export async function countModes(
  context: PaperContext,
  variants: readonly ModeVariant[],
  seeds: readonly number[],
): Promise<CountedModes[][]> {
  const taken = context.size === "smoke" ? seeds.slice(0, 2) : seeds;
  const runs = variants.flatMap((variant) =>
    taken.map((seed) => ({ ...variant, request: { ...variant.request, seed } })),
  );
  const counted = await trainSmall(
    context,
    runs,
    { sampleCount: SAMPLES, KEPT },
    async ({ samples, loss }, { request }) => {
      const { modes, train } = await loadDataset({ name: request.preset, seed: request.seed });
      const kept = samples.subarray(0, KEPT * train.length);
      return {
        ...measureModes(samples, modes!, train.length),
        loss,
        points: Array.from(kept, (value) => Number(value.toFixed(4))),
      };
    },
  );
  return variants.map((_, i) => counted.slice(i * taken.length, (i + 1) * taken.length));
}

/** What the rows of all experiments tell of modes. */
export function modeValues(found: readonly CountedModes[]): PaperRow["values"] {
  return {
    modes: over(found.map(({ modesCovered }) => modesCovered)),
    "within 3σ, %": over(found.map(({ highQualityShare }) => 100 * highQualityShare)),
  };
}
