import { availableParallelism } from "node:os";
import pMap from "p-map";
import type { ModeCoverage } from "../../trainer/metrics/modes.ts";
import { inProcess } from "../in-process.ts";
import { over, type PaperContext, type PaperRow } from "./experiment.ts";
import type { ModelRequest } from "./models.ts";

/** A training on a mixture whose modes are known, once with every seed. */
export interface ModeVariant {
  /** Of the units that keep its results. */
  readonly unit: string;
  /** What it is, for people. */
  readonly label: string;
  /** Its preset's name is that of the data, too. */
  readonly request: Omit<ModelRequest, "seed"> & { readonly preset: "ring" | "grid" };
  /** Samples that the first seed's result holds; 0 where not given. */
  readonly kept?: number;
}

export interface CountedModes extends ModeCoverage {
  /** Mean over the last fortieth of the training. */
  readonly loss: number;
  /** Samples, one number after the other, to four places. */
  readonly points: readonly number[];
}

export interface ModeRunRequest {
  readonly request: ModelRequest;
  readonly size: PaperContext["size"];
  readonly kept: number;
}

const SCRIPT = new URL("mode-run-process.ts", import.meta.url);

/**
 * Trains them, and counts the modes that their samples reach; as many at once as there are cores, because networks so
 * small gain nothing by a second thread.
 *
 * @param seeds of which a smoke run takes two
 * @returns of every variant a result for each seed
 */
export async function countModes(
  context: PaperContext,
  variants: readonly ModeVariant[],
  seeds: readonly number[],
): Promise<CountedModes[][]> {
  const { size } = context;
  const atOnce = availableParallelism();
  const taken = size === "smoke" ? seeds.slice(0, 2) : seeds;
  const runs = variants.flatMap(({ request, kept = 0, ...variant }) =>
    taken.map((seed, i) => ({ ...variant, request: { ...request, seed }, kept: i === 0 ? kept : 0 })),
  );
  const counted = await pMap(
    runs,
    ({ unit, label, request, kept }) =>
      context.unit(
        unit,
        kept > 0 ? { ...request, kept } : { ...request },
        () => {
          context.report(`${label}, seed ${request.seed}`);
          return inProcess<ModeRunRequest, CountedModes>(SCRIPT, { request, size, kept });
        },
        { atOnce },
      ),
    { concurrency: atOnce },
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
