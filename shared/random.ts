/**
 * The one source of randomness: Threefry-2x32-20, a counter-based generator.
 *
 * Counter-based means that draw j of stream i is a pure function of (key, i, j): sample 5 of a request
 * needs no samples 0–4, and a checkpoint stores positions, not generator internals. Threefry needs only
 * 32-bit adds, rotations and xors, so every JavaScript host computes the same bits.
 *
 * Source: Salmon, Moraes, Dror, Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3" (the generator
 * that JAX uses). Checked against the Random123 known-answer vectors.
 */

import { normalQuantile } from "./normal-quantile.ts";

/** Seeds are whole numbers from 0 to this, so that JSON and URLs carry them exactly. */
export const MAX_SEED = Number.MAX_SAFE_INTEGER;

const TWO_32 = 2 ** 32;
const SKEIN_PARITY = 0x1bd11bda;

// biome-ignore format: one round a line, as the paper prints them
/** Writes the two 32-bit words of block (counter0, counter1) under (key0, key1) to out[0], out[1]. */
export function threefry(
  key0: number,
  key1: number,
  counter0: number,
  counter1: number,
  out: Uint32Array,
): void {
  const key2 = key0 ^ key1 ^ SKEIN_PARITY;
  let x0 = (counter0 + key0) | 0;
  let x1 = (counter1 + key1) | 0;
  x0 = (x0 + x1) | 0; x1 = ((x1 << 13) | (x1 >>> 19)) ^ x0;
  x0 = (x0 + x1) | 0; x1 = ((x1 << 15) | (x1 >>> 17)) ^ x0;
  x0 = (x0 + x1) | 0; x1 = ((x1 << 26) | (x1 >>> 6)) ^ x0;
  x0 = (x0 + x1) | 0; x1 = ((x1 << 6) | (x1 >>> 26)) ^ x0;
  x0 = (x0 + key1) | 0; x1 = (x1 + key2 + 1) | 0;
  x0 = (x0 + x1) | 0; x1 = ((x1 << 17) | (x1 >>> 15)) ^ x0;
  x0 = (x0 + x1) | 0; x1 = ((x1 << 29) | (x1 >>> 3)) ^ x0;
  x0 = (x0 + x1) | 0; x1 = ((x1 << 16) | (x1 >>> 16)) ^ x0;
  x0 = (x0 + x1) | 0; x1 = ((x1 << 24) | (x1 >>> 8)) ^ x0;
  x0 = (x0 + key2) | 0; x1 = (x1 + key0 + 2) | 0;
  x0 = (x0 + x1) | 0; x1 = ((x1 << 13) | (x1 >>> 19)) ^ x0;
  x0 = (x0 + x1) | 0; x1 = ((x1 << 15) | (x1 >>> 17)) ^ x0;
  x0 = (x0 + x1) | 0; x1 = ((x1 << 26) | (x1 >>> 6)) ^ x0;
  x0 = (x0 + x1) | 0; x1 = ((x1 << 6) | (x1 >>> 26)) ^ x0;
  x0 = (x0 + key0) | 0; x1 = (x1 + key1 + 3) | 0;
  x0 = (x0 + x1) | 0; x1 = ((x1 << 17) | (x1 >>> 15)) ^ x0;
  x0 = (x0 + x1) | 0; x1 = ((x1 << 29) | (x1 >>> 3)) ^ x0;
  x0 = (x0 + x1) | 0; x1 = ((x1 << 16) | (x1 >>> 16)) ^ x0;
  x0 = (x0 + x1) | 0; x1 = ((x1 << 24) | (x1 >>> 8)) ^ x0;
  x0 = (x0 + key1) | 0; x1 = (x1 + key2 + 4) | 0;
  x0 = (x0 + x1) | 0; x1 = ((x1 << 13) | (x1 >>> 19)) ^ x0;
  x0 = (x0 + x1) | 0; x1 = ((x1 << 15) | (x1 >>> 17)) ^ x0;
  x0 = (x0 + x1) | 0; x1 = ((x1 << 26) | (x1 >>> 6)) ^ x0;
  x0 = (x0 + x1) | 0; x1 = ((x1 << 6) | (x1 >>> 26)) ^ x0;
  out[0] = x0 + key2;
  out[1] = x1 + key0 + 5;
}

/** A seeded stream of random numbers. `fork` gives independent streams by name. */
export interface Random {
  /** A whole number in [0, 2^32). */
  uint32(): number;
  /** A number in the open interval (0, 1), an odd multiple of 2^-53. */
  uniform(): number;
  /** A whole number in [0, bound); bound is 1 to 2^32. No modulo bias. */
  below(bound: number): number;
  /** A standard normal number. */
  normal(): number;
  /** Fills `target` with standard normal numbers, and returns it. */
  fillNormal<Target extends Float32Array>(target: Target): Target;
  /** A random order of 0 … count−1 (Fisher–Yates). */
  permutation(count: number): Uint32Array<ArrayBuffer>;
  /** An independent stream that depends on this one's seed and the labels, not on its position. */
  fork(...labels: readonly (string | number)[]): Random;
}

/** @param seed a whole number from 0 to 2^53−1 */
export function createRandom(seed: number): Random {
  const [key0, key1] = seedKey(seed);
  return streamUnder(key0, key1);
}

/**
 * Standard normal latents of samples `first` … `first + count − 1` under `seed`.
 *
 * Sample i's latent depends on (seed, i) alone: not on `first`, `count`, the host or its engine.
 *
 * @returns [count, size] float32, row-major
 */
export function sampleLatents(
  seed: number,
  first: number,
  count: number,
  size: number,
): Float32Array<ArrayBuffer> {
  const [key0, key1] = seedKey(seed);
  const words = new Uint32Array(2);
  const latents = new Float32Array(count * size);
  for (let row = 0; row < count; row++) {
    for (let column = 0; column < size; column++) {
      threefry(key0, key1, column, first + row, words);
      latents[row * size + column] = normalQuantile(openUniform(words[0]!, words[1]!));
    }
  }
  return latents;
}

function streamUnder(key0: number, key1: number): Random {
  const words = new Uint32Array(2);
  let block = 0; // blocks drawn; 53 bits of it are used, far more than a run can draw
  let spare = -1; // the second word of the last block, or −1

  function nextBlock(): void {
    threefry(key0, key1, block % TWO_32, Math.floor(block / TWO_32), words);
    block++;
  }
  function uint32(): number {
    if (spare >= 0) {
      const word = spare;
      spare = -1;
      return word;
    }
    nextBlock();
    spare = words[1]!;
    return words[0]!;
  }
  function uniform(): number {
    nextBlock();
    return openUniform(words[0]!, words[1]!);
  }
  function below(bound: number): number {
    // Rejection keeps every value equally likely; fewer than one draw in two is rejected at worst.
    const limit = TWO_32 - (TWO_32 % bound);
    let word = uint32();
    while (word >= limit) word = uint32();
    return word % bound;
  }
  function normal(): number {
    return normalQuantile(uniform());
  }
  return {
    uint32,
    uniform,
    below,
    normal,
    fillNormal(target) {
      for (let i = 0; i < target.length; i++) target[i] = normal();
      return target;
    },
    permutation(count) {
      const order = new Uint32Array(count);
      for (let i = 0; i < count; i++) order[i] = i;
      for (let i = count - 1; i > 0; i--) {
        const j = below(i + 1);
        const swapped = order[i]!;
        order[i] = order[j]!;
        order[j] = swapped;
      }
      return order;
    },
    fork(...labels) {
      let [k0, k1] = [key0, key1];
      for (const label of labels) {
        const [low, high] = typeof label === "number" ? seedKey(label) : hashText(label);
        // The flipped key keeps forks apart from this stream's own draws.
        threefry(~k0, ~k1, low, high, words);
        k0 = words[0]!;
        k1 = words[1]!;
      }
      return streamUnder(k0, k1);
    },
  };
}

/**
 * 52 bits as a double in (0, 1). The offset of half a step keeps 0 and 1 out, and u and 1 − u equally likely;
 * with 53 bits it would be rounded away, and up to 1, in the upper half.
 */
function openUniform(word0: number, word1: number): number {
  return (word0 * 2 ** 20 + (word1 >>> 12) + 0.5) * 2 ** -52;
}

function seedKey(seed: number): [number, number] {
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new RangeError(`seed: expected a whole number from 0 to ${MAX_SEED}, got ${seed}`);
  }
  return [seed % TWO_32, Math.floor(seed / TWO_32)];
}

/** Two FNV-1a hashes of the text's UTF-16 code units; names streams, nothing secret. */
function hashText(text: string): [number, number] {
  let low = 0x811c9dc5;
  let high = 0x9747b28c;
  for (let i = 0; i < text.length; i++) {
    low = Math.imul(low ^ text.charCodeAt(i), 0x01000193);
    high = Math.imul(high ^ text.charCodeAt(i), 0x01000193) + 0x3c6ef372;
  }
  return [low >>> 0, high >>> 0];
}
