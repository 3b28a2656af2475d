import { quantile } from "../metrics/quantile.ts";

/** Where some distances lie. */
export interface Spread {
  readonly mean: number;
  readonly p5: number;
  readonly p25: number;
  readonly p50: number;
  readonly p75: number;
  readonly p95: number;
}

/** @param distances at least one */
export function spreadOf(distances: Float64Array): Spread {
  const ascending = distances.toSorted();
  const at = (share: number) => quantile(ascending, share);
  const mean = ascending.reduce((sum, distance) => sum + distance, 0) / ascending.length;
  return { mean, p5: at(0.05), p25: at(0.25), p50: at(0.5), p75: at(0.75), p95: at(0.95) };
}
