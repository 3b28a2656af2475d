import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { normalQuantile } from "../shared/normal-quantile.ts";
import { createRandom, MAX_SEED, sampleLatents, threefry } from "../shared/random.ts";

const DRAWS = 1_000_000;
const anySeed = fc.maxSafeNat();

/** Φ(x) by the series of Marsaglia 2004 ("Evaluating the normal distribution"), to about 1e-15. */
function normalProbability(x: number): number {
  let term = x;
  let sum = x;
  for (let odd = 3; Math.abs(term) > 1e-17 * Math.abs(sum); odd += 2) {
    term *= (x * x) / odd;
    sum += term;
  }
  return 0.5 + (sum * Math.exp(-0.5 * x * x)) / Math.sqrt(2 * Math.PI);
}

/** Pearson's statistic of counts that are expected to be equal. */
function chiSquare(counts: readonly number[]): number {
  const expected = counts.reduce((a, b) => a + b) / counts.length;
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}

/** Chi-square's critical values at 0.1 %, by degrees of freedom. */
const CRITICAL: Readonly<Record<number, number>> = { 2: 13.816, 5: 20.515, 255: 330.52 };

describe("Threefry-2x32-20", () => {
  // Random123's kat_vectors.
  test.each([
    ["zeros", 0, 0, 0, 0, "6b200159 99ba4efe"],
    ["ones", 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, "1cb996fc bb002be7"],
    ["digits of pi", 0x13198a2e, 0x03707344, 0x243f6a88, 0x85a308d3, "c4923a9c 483df7a0"],
  ])("known answer: %s", (_, key0, key1, counter0, counter1, expected) => {
    const out = new Uint32Array(2);
    threefry(key0, key1, counter0, counter1, out);
    expect(Array.from(out, (word) => word.toString(16).padStart(8, "0")).join(" ")).toBe(expected);
  });
});

describe("normal quantile", () => {
  // p as a double, and the quantile of exactly that double, by mpmath with 60 digits, rounded.
  const known: [number, number][] = [
    [1e-300, -37.0470962993612],
    [1e-100, -21.273453560965326],
    [1e-20, -9.262340089798407],
    [2 ** -53, -8.209536151601387],
    [1e-12, -7.034483825301132],
    [1e-10, -6.361340902404057],
    [1e-8, -5.612001244174789],
    [1e-6, -4.753424308822899],
    [1e-5, -4.264890793922825],
    [1e-4, -3.7190164854556804],
    [1e-3, -3.0902323061678136],
    [0.005, -2.575829303548901],
    [0.01, -2.326347874040841],
    [0.02425, -1.972961051311885],
    [0.025, -1.9599639845400543],
    [0.05, -1.6448536269514726],
    [0.075, -1.439531470938456],
    [0.0750001, -1.4395307645017297],
    [0.1, -1.2815515655446004],
    [0.2, -0.8416212335729142],
    [0.25, -0.6744897501960817],
    [0.3, -0.5244005127080408],
    [0.4, -0.2533471031357997],
    [0.45, -0.12566134685507402],
    [0.499, -0.002506630899571766],
    [0.4999999, -2.5066282747031063e-7],
  ];

  test.each(known)("p = %s to 1e-14", (p, expected) => {
    expect(Math.abs(normalQuantile(p) / expected - 1)).toBeLessThan(1e-14);
  });

  test("0 at one half; p and 1 − p give opposite numbers, where 1 − p is exact", () => {
    expect(normalQuantile(0.5)).toBe(0);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 52 }), (steps) => {
        const p = steps * 2 ** -53;
        expect(normalQuantile(1 - p)).toBe(-normalQuantile(p) + 0);
      }),
    );
  });

  test("never falls, from one region of the approximation to the next", () => {
    for (const border of [0.075, 0.925, Math.exp(-25), 0.5]) {
      let last = Number.NEGATIVE_INFINITY;
      for (let i = -2000; i <= 2000; i++) {
        const z = normalQuantile(border * (1 + i * 1e-9));
        expect(z).toBeGreaterThanOrEqual(last);
        last = z;
      }
    }
  });
});

describe("normals", () => {
  const size = 64;
  const sources: [string, () => ArrayLike<number>][] = [
    [
      "a stream's",
      () => {
        const random = createRandom(1);
        return Float64Array.from({ length: DRAWS }, () => random.normal());
      },
    ],
    ["a fork's", () => createRandom(1).fork("weights", 3).fillNormal(new Float32Array(DRAWS))],
    ["the edge's latents", () => sampleLatents(1, 0, DRAWS / size, size)],
  ];

  describe.each(sources)("%s", (_, draw) => {
    const values = Float64Array.from(draw());
    const sorted = values.toSorted();

    test("pass Kolmogorov and Smirnov's test at 1 % on 10⁶ draws", () => {
      let farthest = 0;
      for (let i = 0; i < DRAWS; i++) {
        const p = normalProbability(sorted[i]!);
        farthest = Math.max(farthest, Math.abs(p - i / DRAWS), Math.abs(p - (i + 1) / DRAWS));
      }
      expect(farthest).toBeLessThan(1.628 / Math.sqrt(DRAWS));
    });

    test("mean, variance and tails", () => {
      const mean = values.reduce((sum, value) => sum + value, 0) / DRAWS;
      const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / DRAWS;
      expect(Math.abs(mean)).toBeLessThan(3.29 / Math.sqrt(DRAWS));
      expect(Math.abs(variance - 1)).toBeLessThan(3.29 * Math.sqrt(2 / DRAWS));
      for (const bound of [1, 2, 3, 4]) {
        const p = normalProbability(-bound);
        const allowed = 4 * Math.sqrt(DRAWS * p);
        const below = sorted.findIndex((value) => value > -bound);
        const above = DRAWS - sorted.findIndex((value) => value > bound);
        expect(Math.abs(below - DRAWS * p)).toBeLessThan(allowed);
        expect(Math.abs(above - DRAWS * p)).toBeLessThan(allowed);
      }
      expect(sorted[0]).toBeGreaterThan(-6.5);
      expect(sorted.at(-1)).toBeLessThan(6.5);
    });

    test.each([1, 2, size])("numbers %i apart are uncorrelated", (lag) => {
      let product = 0;
      for (let i = lag; i < DRAWS; i++) product += values[i]! * values[i - lag]!;
      expect(Math.abs(product / DRAWS)).toBeLessThan(3.29 / Math.sqrt(DRAWS));
    });
  });
});

describe("uniform numbers", () => {
  test("lie strictly between 0 and 1, on a grid that is the same seen from both ends", () => {
    const random = createRandom(3);
    const counts = new Array<number>(256).fill(0);
    for (let i = 0; i < 100_000; i++) {
      const u = random.uniform();
      const steps = u * 2 ** 53;
      // Odd multiples of 2⁻⁵³: neither 0 nor 1, and 1 − u is one too.
      expect(steps % 2).toBe(1);
      expect(steps < 2 ** 53).toBe(true);
      counts[Math.floor(u * 256)]!++;
    }
    expect(chiSquare(counts)).toBeLessThan(CRITICAL[255]!);
  });

  test("below(bound) is in range, and every number is equally likely", () => {
    fc.assert(
      fc.property(anySeed, fc.integer({ min: 1, max: 2 ** 32 }), (seed, bound) => {
        const random = createRandom(seed);
        for (let i = 0; i < 20; i++) {
          const value = random.below(bound);
          expect(Number.isInteger(value) && value >= 0 && value < bound).toBe(true);
        }
      }),
    );
    const dice = new Array<number>(6).fill(0);
    const random = createRandom(4);
    for (let i = 0; i < 60_000; i++) dice[random.below(6)]!++;
    expect(chiSquare(dice)).toBeLessThan(CRITICAL[5]!);
    // 2³² modulo this bound is a third of it: a plain remainder would draw the first third twice as often.
    const thirds = new Array<number>(3).fill(0);
    for (let i = 0; i < 60_000; i++) thirds[Math.floor(random.below(3 * 2 ** 30) / 2 ** 30)]!++;
    expect(chiSquare(thirds)).toBeLessThan(CRITICAL[2]!);
  });

  test("uint32 covers all 32 bits", () => {
    const random = createRandom(5);
    const ones = new Array<number>(32).fill(0);
    for (let i = 0; i < 10_000; i++) {
      const word = random.uint32();
      for (let bit = 0; bit < 32; bit++) ones[bit]! += (word >>> bit) & 1;
    }
    for (const count of ones) expect(Math.abs(count - 5_000)).toBeLessThan(4 * 50);
  });
});

describe("permutations", () => {
  test("hold every number once", () => {
    fc.assert(
      fc.property(anySeed, fc.nat({ max: 300 }), (seed, count) => {
        const order = createRandom(seed).permutation(count);
        expect(Array.from(order).sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, i) => i));
      }),
    );
  });

  test("come in every order equally often", () => {
    const random = createRandom(6);
    const counts = new Map<string, number>();
    for (let i = 0; i < 12_000; i++) {
      const order = random.permutation(3).join("");
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(6);
    expect(chiSquare([...counts.values()])).toBeLessThan(CRITICAL[5]!);
  });
});

describe("forks", () => {
  const words = (random: ReturnType<typeof createRandom>, count = 4) =>
    Array.from({ length: count }, () => random.uint32());

  test("don't depend on how much their parent has drawn, nor it on them", () => {
    const fresh = createRandom(8);
    const used = createRandom(8);
    words(used, 1001);
    used.normal();
    expect(words(used.fork("a", 1))).toEqual(words(fresh.fork("a", 1)));
    expect(words(fresh)).toEqual(words(createRandom(8)));
  });

  test("differ by every label, its kind, its place, and their parent's seed", () => {
    const seen = new Map<string, string>();
    const add = (name: string, random: ReturnType<typeof createRandom>) => {
      const drawn = words(random, 2).join();
      expect(seen.get(drawn), name).toBeUndefined();
      seen.set(drawn, name);
    };
    for (const seed of [0, 1, 2 ** 32, MAX_SEED]) {
      const random = createRandom(seed);
      add(`${seed}`, createRandom(seed));
      add(`${seed} 1`, random.fork(1));
      add(`${seed} "1"`, random.fork("1"));
      add(`${seed} ""`, random.fork(""));
      add(`${seed} a b`, random.fork("a", "b"));
      add(`${seed} b a`, random.fork("b", "a"));
      add(`${seed} ab`, random.fork("ab"));
      for (let i = 0; i < 2_000; i++) add(`${seed} step ${i}`, random.fork("step", i));
    }
  });

  test("of neighbouring labels are uncorrelated", () => {
    const count = 100_000;
    const random = createRandom(9);
    const [a, b] = [1, 2].map((label) => random.fork(label).fillNormal(new Float32Array(count)));
    const parent = createRandom(9).fillNormal(new Float32Array(count));
    const correlation = (x: Float32Array, y: Float32Array) =>
      x.reduce((sum, value, i) => sum + value * y[i]!, 0) / count;
    for (const pair of [correlation(a!, b!), correlation(a!, parent)]) {
      expect(Math.abs(pair)).toBeLessThan(3.29 / Math.sqrt(count));
    }
  });
});

describe("sample latents", () => {
  test("sample i's latent depends on seed and i alone", () => {
    const request = fc.record({
      seed: anySeed,
      first: fc.nat({ max: 100_000 }),
      count: fc.integer({ min: 1, max: 20 }),
      size: fc.integer({ min: 1, max: 20 }),
    });
    fc.assert(
      fc.property(request, fc.nat(), ({ seed, first, count, size }, pick) => {
        const row = pick % count;
        const all = sampleLatents(seed, first, count, size);
        expect(all.length).toBe(count * size);
        expect(sampleLatents(seed, first + row, 1, size)).toEqual(all.subarray(row * size, (row + 1) * size));
      }),
    );
  });

  test("the exact bits of test/fixtures/latents.json", () => {
    const path = new URL("fixtures/latents.json", import.meta.url);
    const { latents } = JSON.parse(readFileSync(path, "utf8")) as {
      latents: { seed: number; first: number; count: number; size: number; float32Bits: string }[];
    };
    expect(latents.length).toBeGreaterThan(0);
    for (const { seed, first, count, size, float32Bits } of latents) {
      const bits = new Uint32Array(sampleLatents(seed, first, count, size).buffer);
      expect(Array.from(bits, (word) => word.toString(16).padStart(8, "0")).join(" ")).toBe(float32Bits);
    }
  });
});

describe("seeds", () => {
  test("from 0 to 2⁵³ − 1, and each gives other numbers", () => {
    const seeds = [0, 1, 2, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, MAX_SEED - 1, MAX_SEED];
    expect(MAX_SEED).toBe(2 ** 53 - 1);
    expect(new Set(seeds.map((seed) => createRandom(seed).uniform())).size).toBe(seeds.length);
    expect(new Set(seeds.map((seed) => sampleLatents(seed, 0, 1, 1)[0])).size).toBe(seeds.length);
  });

  test.each([-1, 0.5, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY])("%s is refused", (seed) => {
    const message = `seed: expected a whole number from 0 to ${MAX_SEED}, got ${seed}`;
    expect(() => createRandom(seed)).toThrow(new RangeError(message));
    expect(() => sampleLatents(seed, 0, 1, 1)).toThrow(new RangeError(message));
  });
});
