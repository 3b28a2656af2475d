/**
 * What the IMLE family differs in: which samples are pulled towards which examples. A pairing is made anew every
 * round; `matched-descent.ts` trains on it.
 */

import type { Random } from "../../shared/random.ts";
import type { Distance } from "../distances/distance.ts";
import type { Numbers } from "../engine/engine.ts";
import type { Matches, PointSource } from "../search/searcher.ts";

/** Samples, as the latents that make them, and the examples that they are pulled towards. */
export interface Pairs {
  /** [pairCount, latentSize] */
  readonly latents: Float32Array<ArrayBuffer>;
  /** Rows of the training examples: [pairCount]. */
  readonly examples: Int32Array<ArrayBuffer>;
}

export interface Pairing {
  /** Pairs of a round, the same number in all of them. */
  readonly pairCount: number;
  /** Rounds in which every training example has its turn once. */
  readonly roundsPerEpoch: number;
  pair(round: Round): Promise<Pairs>;
  /** What it remembers from round to round, for checkpoints; nothing if left out. */
  readonly memory?: PairingMemory;
}

export interface PairingMemory {
  arrays(): Readonly<Record<string, Numbers>>;
  restore(arrays: Readonly<Record<string, Numbers>>): void;
}

/** A round, with what a pairing may do in it. */
export interface Round {
  readonly number: number;
  readonly latentSize: number;
  /** Its own draws; the same in every run with this seed. */
  readonly random: Random;
  /** So many latents of the distribution that samples are drawn from: [count, latentSize]. */
  draw(count: number): Float32Array<ArrayBuffer>;
  /**
   * Samples of the current generator, made tile by tile when asked for. They and the examples below come as they are
   * compared (`comparison.ts`): [n, pointLength].
   */
  samplesOf(latents: Float32Array<ArrayBuffer>): PointSource;
  /** Some training examples. */
  gather(rows: ArrayLike<number>): Promise<Float32Array<ArrayBuffer>>;
  /** By which they are compared. */
  readonly distance: Distance;
  /** All training examples, as points to search among. */
  readonly examples: PointSource;
  /** The nearest point of every query [n, pointLength]. */
  nearest(queries: Float32Array<ArrayBuffer>, points: PointSource): Promise<Matches>;
  /** The distance of sample i to training example rows[i], for every i; as `Distance.paired` has it. */
  distancesTo(samples: Float32Array<ArrayBuffer>, rows: Int32Array): Promise<Float32Array<ArrayBuffer>>;
}
