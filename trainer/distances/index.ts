import { cosine } from "./cosine.ts";
import type { Distance, DistanceContext, DistanceKind } from "./distance.ts";
import { features } from "./features.ts";
import { l1 } from "./l1.ts";
import { randomProjection } from "./random-projection.ts";
import { squaredL2 } from "./squared-l2.ts";
import { parseTerms, type Term, weightedSum } from "./weighted-sum.ts";

/** Every distance, by the name that a configuration uses. */
export const DISTANCES: Readonly<Record<string, DistanceKind>> = {
  l2: squaredL2,
  l1,
  cosine,
  "random-projection": randomProjection,
  features,
};

/** What is wrong with `text` as a distance; null if nothing is. */
export function distanceObstacle(text: string): string | null {
  const terms = parseTerms(text, Object.keys(DISTANCES));
  return typeof terms === "string" ? terms : null;
}

/**
 * Gets the distance of `config.objective.distance` ready.
 *
 * @throws InputError if it can't measure such data
 */
export async function prepareDistance(context: DistanceContext): Promise<Distance> {
  const terms = parseTerms(context.config.objective.distance, Object.keys(DISTANCES)) as readonly Term[];
  const prepared = [];
  for (const { name, weight } of terms) {
    prepared.push({ distance: await DISTANCES[name]!.prepare(context), weight });
  }
  return weightedSum(prepared);
}
