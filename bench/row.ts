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
  /** The share of queries whose answer is the nearest point; where a search only approximates. */
  readonly recall?: number;
  /** The most resident memory that a process of its own has had. */
  readonly peakMemoryBytes?: number;
}

/** A row as a line, for those who watch. */
export function lineOf({ name, value, unit, peer, peerValue, ratio }: BenchmarkRow): string {
  const compared = peer === null ? "" : `; ${peer}: ${peerValue!.toPrecision(4)} (${ratio!.toFixed(2)}×)`;
  return `${name}: ${value.toPrecision(4)} ${unit}${compared}`;
}

/** A benchmark, by the name that `npm run bench` takes. */
export type Benchmark = (
  report: (line: string) => void,
  options: BenchmarkOptions,
) => Promise<BenchmarkRow[]>;

export interface BenchmarkOptions {
  /** Whether a row is asked for. */
  wants(name: string): boolean;
  /** One repetition of everything, to see that it runs: its figures are no measurement. */
  readonly quick: boolean;
  /** A folder of MNIST's files; null: none was given. */
  readonly mnist: string | null;
  /** CIFAR-10, as pictures or in its binary version; null: none was given. */
  readonly cifar10: string | null;
  /** Engines that were asked for by name; none: those that are worth it. */
  readonly engines: readonly string[];
}

/**
 * What `--only` asks for: rows whose name contains one of the parts; a single letter is an experiment of the paper.
 * Nothing asked for is everything.
 */
export function rowsWith(parts: readonly string[]): BenchmarkOptions["wants"] {
  const has = (row: string, part: string) =>
    part.length === 1 ? row.startsWith(`paper/${part}-`) : row.includes(part);
  return (row) => parts.length === 0 || parts.some((part) => has(row, part));
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
