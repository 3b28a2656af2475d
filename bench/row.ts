/** One line of a benchmark's result, as `--json` writes it. */

export interface BenchmarkRow {
  /** Stable from version to version. */
  readonly name: string;
  /** The median. */
  readonly value: number;
  readonly unit: string;
  /** Interquartile range, in the same unit. */
  readonly spread: number;
  /** What it was compared with in the same run; null: nothing. */
  readonly peer: string | null;
  readonly peerValue: number | null;
  /** Above 1: ours is better. Null without a peer. */
  readonly ratio: number | null;
  /** What the value would be if there were nothing to do but the matrix products, at their measured rate. */
  readonly ceiling?: number;
}

/** A benchmark, by the name that `npm run bench` takes. */
export type Benchmark = (
  report: (line: string) => void,
  options: BenchmarkOptions,
) => Promise<BenchmarkRow[]>;

export interface BenchmarkOptions {
  /** Whether a row is asked for. */
  wants(name: string): boolean;
  /** A folder of MNIST's files; null: none was given. */
  readonly mnist: string | null;
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The distance between the first and the third quartile. */
export function interquartileRange(values: readonly number[]): number {
  return quantile(values, 0.75) - quantile(values, 0.25);
}

/** Linear interpolation between the two nearest order statistics. */
function quantile(values: readonly number[], share: number): number {
  const ascending = [...values].sort((a, b) => a - b);
  const at = share * (ascending.length - 1);
  const low = Math.floor(at);
  const high = Math.ceil(at);
  return ascending[low]! + (at - low) * (ascending[high]! - ascending[low]!);
}
