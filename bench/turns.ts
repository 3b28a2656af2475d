/**
 * Ours and its peers in turns: short rounds of each, so that a machine whose speed drifts slows all alike.
 */

import { type BenchmarkRow, interquartileRange, median } from "./row.ts";

export interface Contestant {
  readonly label: string;
  /** Milliseconds of each of `count` repetitions. */
  time(count: number): Promise<number[]>;
}

export interface Contest {
  readonly name: string;
  readonly unit: string;
  readonly ours: Contestant;
  /** The best of them is the row's peer. */
  readonly peers: readonly Contestant[];
  /** Nothing but the matrix products that ours needs. */
  readonly ceiling?: Contestant;
  readonly rounds: number;
  /** Repetitions a round, fewer where they take too long; one at least. */
  readonly count: number;
  /** Repetitions before the first round. */
  readonly warmUp: number;
}

/** About how long one's repetitions in a round may take. */
const ROUND_MS = 1000;
/** So many times slower than the fastest peer in the warm-up, a peer takes no part: it won't be the best of them. */
const HOPELESS = 3;

export async function takeTurns(contest: Contest): Promise<BenchmarkRow> {
  const { name, unit, ours, ceiling, rounds, count, warmUp } = contest;
  const warm = new Map<Contestant, number>();
  for (const each of [ours, ...contest.peers, ...(ceiling ? [ceiling] : [])]) {
    warm.set(each, Math.min(...(await each.time(warmUp))));
  }
  const bestWarm = Math.min(...contest.peers.map((peer) => warm.get(peer)!));
  const peers = contest.peers.filter((peer) => warm.get(peer)! <= HOPELESS * bestWarm);
  const all = [ours, ...peers, ...(ceiling ? [ceiling] : [])];
  const times = new Map(all.map((each) => [each, [] as number[]]));
  for (let round = 0; round < rounds; round++) {
    for (const each of all) {
      const fitting = Math.max(1, Math.floor(ROUND_MS / warm.get(each)!));
      times.get(each)!.push(...(await each.time(Math.min(count, fitting))));
    }
  }
  const medianOf = (each: Contestant) => median(times.get(each)!);
  const peer = peers.toSorted((a, b) => medianOf(a) - medianOf(b))[0];
  return {
    name,
    value: medianOf(ours),
    unit,
    spread: interquartileRange(times.get(ours)!),
    peer: peer?.label ?? null,
    peerValue: peer ? medianOf(peer) : null,
    ratio: peer ? medianOf(peer) / medianOf(ours) : null,
    ...(ceiling && { ceiling: medianOf(ceiling) }),
  };
}

/** Milliseconds of each of `count` calls. */
export async function timeCalls(count: number, call: () => Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    const start = performance.now();
    await call();
    times.push(performance.now() - start);
  }
  return times;
}
