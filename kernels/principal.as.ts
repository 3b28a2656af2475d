// Candidates among images by 96 numbers of each: how bright it is, what the other numbers leave out of it, and where it
// lies along 94 principal directions. What they are, and how memory is laid out: shared/principal-index.ts.
//
// The first 32 numbers of all rows lie together, then the other 64 of all rows, a byte each. Means and remainders come
// first among them: distances look at all numbers, correlations at those after these two.

import { insert, sumLanes } from "./lib/rows.as";

const NUMBERS = 96;
const COARSE: usize = 32;
const FINE: usize = 64;
const DIRECTIONS = 95;

/** Positions of a query, as shared/aligned-distance.ts lists them. */
const POSITIONS: usize = 5;

/** Bytes of a query's weights: int16. */
const QUERY: usize = 192;

/**
 * The numbers of images: mean, remainder, principal directions.
 *
 * @param images     uint8 [count, length]; 16 readable bytes follow
 * @param directions int16 [95, length in whole vectors of 16], of which `unit` is 1; the first is the same everywhere
 * @param numbers    out: float32 [count, 96]
 */
export function project(images: usize, count: i32, length: usize, directions: usize, unit: f32, numbers: usize): void {
  for (let image = 0; image < count; image++) {
    let rest = <f64>sumOfSquares(images, length);
    let direction = directions;
    for (let i = 0; i < DIRECTIONS; i++) {
      let sum = i64x2.splat(0);
      for (let at: usize = 0; at < length; at += 16, direction += 32) {
        const low = v128.load8x8_u(images + at);
        const high = v128.load8x8_u(images + at, 8);
        sum = i32x4.add(sum, i32x4.dot_i16x8_s(low, v128.load(direction)));
        sum = i32x4.add(sum, i32x4.dot_i16x8_s(high, v128.load(direction, 16)));
      }
      const along = <f64>(<i32>sumLanes(sum)) / <f64>unit;
      rest -= along * along;
      store<f32>(numbers + (<usize>(i == 0 ? 0 : i + 1) << 2), <f32>along);
    }
    store<f32>(numbers, <f32>Math.sqrt(max(rest, 0)), 4);
    numbers += NUMBERS << 2;
    images += length;
  }
}

function sumOfSquares(image: usize, length: usize): u64 {
  let sum: u64 = 0;
  for (let at: usize = 0; at < length; at++) {
    const value = <u32>load<u8>(image + at);
    sum += value * value;
  }
  return sum;
}

/**
 * What distances and correlations need of each row, by its first 32 numbers and by all of them.
 *
 * @param scales  float32 [96]: what a step of each number's byte is
 * @param squares out: float32, the sum of the numbers' squares
 * @param inverses out: float32, 1 / √(the sum without the first two); 0 where that is 0
 */
export function measure(
  coarse: usize, fine: usize, rowCount: i32, scales: usize,
  coarseSquares: usize, coarseInverses: usize, squares: usize, inverses: usize,
): void {
  for (let row = 0; row < rowCount; row++) {
    const at = <usize>row << 2;
    const first = <f32>load<i8>(coarse) * load<f32>(scales);
    const second = <f32>load<i8>(coarse, 1) * load<f32>(scales, 4);
    const firstTwo = first * first + second * second;
    const ofCoarse = sumOfScaled(coarse, COARSE, scales);
    const all = ofCoarse + sumOfScaled(fine, FINE, scales + (COARSE << 2));
    store<f32>(coarseSquares + at, ofCoarse);
    store<f32>(squares + at, all);
    store<f32>(coarseInverses + at, inverseRoot(ofCoarse - firstTwo));
    store<f32>(inverses + at, inverseRoot(all - firstTwo));
    coarse += COARSE;
    fine += FINE;
  }
}

// @ts-ignore: decorator
@inline
function sumOfScaled(bytes: usize, count: usize, scales: usize): f32 {
  let sum = f32x4.splat(0);
  for (let at: usize = 0; at < count; at += 4) {
    const words = i32x4.extend_low_i16x8_s(i16x8.extend_low_i8x16_s(v128.load32_zero(bytes + at)));
    const scaled = f32x4.mul(f32x4.convert_i32x4_s(words), v128.load(scales + (at << 2)));
    sum = f32x4.add(sum, f32x4.mul(scaled, scaled));
  }
  return (
    f32x4.extract_lane(sum, 0) + f32x4.extract_lane(sum, 1) + (f32x4.extract_lane(sum, 2) + f32x4.extract_lane(sum, 3))
  );
}

// Less than a byte's step is rounding, of rows that have one value everywhere.
// @ts-ignore: decorator
@inline
function inverseRoot(square: f32): f32 {
  return square > 1e-3 ? <f32>(1 / Math.sqrt(<f64>square)) : 0;
}

/** The products of a row's first 32 numbers with weights, not added up. */
// @ts-ignore: decorator
@inline
function products(row: usize, a: v128, b: v128, c: v128, d: v128): v128 {
  return i32x4.add(
    i32x4.add(i32x4.dot_i16x8_s(v128.load8x8_s(row), a), i32x4.dot_i16x8_s(v128.load8x8_s(row, 8), b)),
    i32x4.add(i32x4.dot_i16x8_s(v128.load8x8_s(row, 16), c), i32x4.dot_i16x8_s(v128.load8x8_s(row, 24), d)),
  );
}

// @ts-ignore: decorator
@inline
function productsAt(row: usize, weights: usize): v128 {
  return products(row, v128.load(weights), v128.load(weights, 16), v128.load(weights, 32), v128.load(weights, 48));
}

/** The sums of the lanes of four vectors. */
// @ts-ignore: decorator
@inline
function sumEach(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = i32x4.add(v128.shuffle<i32>(a, b, 0, 4, 1, 5), v128.shuffle<i32>(a, b, 2, 6, 3, 7));
  const cd = i32x4.add(v128.shuffle<i32>(c, d, 0, 4, 1, 5), v128.shuffle<i32>(c, d, 2, 6, 3, 7));
  return i32x4.add(v128.shuffle<i32>(ab, cd, 0, 1, 4, 5), v128.shuffle<i32>(ab, cd, 2, 3, 6, 7));
}

/** The products of four rows' first two numbers with weights. */
// @ts-ignore: decorator
@inline
function firstTwoOf(rows: usize, weights: v128): v128 {
  let bytes = v128.load16_splat(rows);
  bytes = v128.load16_lane(rows + COARSE, bytes, 1);
  bytes = v128.load16_lane(rows + COARSE * 2, bytes, 2);
  bytes = v128.load16_lane(rows + COARSE * 3, bytes, 3);
  return i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_s(bytes), weights);
}

/** Bins of squared distances, 128 to a doubling: the upper bits of a float32 from 2⁻²⁴ to 2⁴⁰. */
const BINS = 8192;
const FIRST_BIN = 103 << 7;

// @ts-ignore: decorator
@inline
function countBins(histogram: usize, squared: v128): void {
  countBin(histogram, f32x4.extract_lane(squared, 0));
  countBin(histogram, f32x4.extract_lane(squared, 1));
  countBin(histogram, f32x4.extract_lane(squared, 2));
  countBin(histogram, f32x4.extract_lane(squared, 3));
}

// @ts-ignore: decorator
@inline
function countBin(histogram: usize, squared: f32): void {
  const bin = max(0, (reinterpret<i32>(max<f32>(squared, 0)) >> 16) - FIRST_BIN);
  const at = histogram + (<usize>bin << 2);
  store<u32>(at, load<u32>(at) + 1);
}

/** Below it lie about as many of the counted distances as are wanted. */
function limitOf(histogram: usize, wanted: i32): f32 {
  let left = wanted;
  let bin = 0;
  for (; bin < BINS - 1; bin++) {
    left -= load<i32>(histogram + (<usize>bin << 2));
    if (left <= 0) break;
  }
  return reinterpret<f32>((bin + 1 + FIRST_BIN) << 16);
}

/** Rows whose distances tell where a list ends: four of every so many. More would cost more than they gain. */
const SAMPLED_OF = 64;

/** Below it every row counts. */
const SAMPLED_FROM = 1 << 15;

/**
 * The rows that look nearest, and those that look most similar, to a query by their first 32 numbers: about as many as
 * are wanted.
 *
 * Of the similar ones first about as many as `within` are taken by the query's first position, and of them those that
 * correlate most in any. The distance of what is similar is that of rows and query made as long as 1: 2 − 2·correlation.
 * Where the lists end is told by a sample of the rows.
 *
 * @param coarse     int8 [rowCount, 32]; 96 readable bytes follow
 * @param squares, inverses as `measure` writes them; 3 more may be read
 * @param queries    int16 [6, 96]: weights for distances, then for correlations in each position
 * @param step       what a product's step is, as a distance's part
 * @param square     the sum of squares of the query's numbers
 * @param gains      float32 [5]: what makes products of each position correlations, but for the row's inverse
 * @param histograms room for 2 × 8192 uint32
 * @param near       out: int32, room for twice as many as are wanted
 * @param similar    out: int32, room for 2 × within
 * @param angles     room for 2 × within float32
 * @param counts     out: 2 int32
 */
export function shortlist(
  coarse: usize, rowCount: i32, squares: usize, inverses: usize,
  queries: usize, step: f32, square: f32, gains: usize, histograms: usize,
  nearWanted: i32, near: usize, within: i32, similarWanted: i32, similar: usize, angles: usize, counts: usize,
): void {
  const ofSimilar = histograms + (BINS << 2);
  const weights = queries + QUERY;
  const a = v128.load(weights);
  const b = v128.load(weights, 16);
  const c = v128.load(weights, 32);
  const d = v128.load(weights, 48);
  const firstTwo = v128.load32_splat(queries);
  const steps = f32x4.splat(-2 * step);
  const querySquares = f32x4.splat(square);
  const gain = f32x4.splat(-2 * load<f32>(gains));

  const every = rowCount < SAMPLED_FROM ? 4 : SAMPLED_OF;
  let nearLimit = f32x4.splat(0);
  let similarLimit = f32x4.splat(0);
  let endOfNear = near;
  let endOfSimilar = similar;
  const limitOfNear = near + (<usize>nearWanted << 3);
  const limitOfSimilar = similar + (<usize>within << 3);
  memory.fill(histograms, 0, BINS << 3);
  // First the sample, then all.
  for (let isSample = 1; isSample >= 0; isSample--) {
    const stride = isSample ? every : 4;
    const end = isSample ? rowCount - 3 : rowCount;
    for (let first = 0; first < end; first += stride) {
      const row = coarse + <usize>first * COARSE;
      const at = <usize>first << 2;
      const along = sumEach(
        products(row, a, b, c, d),
        products(row + COARSE, a, b, c, d),
        products(row + COARSE * 2, a, b, c, d),
        products(row + COARSE * 3, a, b, c, d),
      );
      const all = f32x4.convert_i32x4_s(i32x4.add(along, firstTwoOf(row, firstTwo)));
      const distances = f32x4.add(f32x4.add(f32x4.mul(all, steps), v128.load(squares + at)), querySquares);
      const correlations = f32x4.mul(f32x4.mul(f32x4.convert_i32x4_s(along), gain), v128.load(inverses + at));
      const unlike = f32x4.add(correlations, f32x4.splat(2));
      if (isSample) {
        countBins(histograms, distances);
        countBins(ofSimilar, unlike);
        continue;
      }
      let bits = i32x4.bitmask(f32x4.lt(distances, nearLimit));
      for (; bits != 0 && endOfNear < limitOfNear; bits &= bits - 1) {
        const i = first + ctz(bits);
        if (i >= rowCount) break;
        store<i32>(endOfNear, i);
        endOfNear += 4;
      }
      bits = i32x4.bitmask(f32x4.lt(unlike, similarLimit));
      for (; bits != 0 && endOfSimilar < limitOfSimilar; bits &= bits - 1) {
        const i = first + ctz(bits);
        if (i >= rowCount) break;
        store<i32>(endOfSimilar, i);
        store<f32>(angles + (endOfSimilar - similar), coarseAngle(coarse, inverses, i, weights, gains));
        endOfSimilar += 4;
      }
    }
    if (!isSample) break;
    nearLimit = f32x4.splat(limitOf(histograms, nearWanted / (every >> 2)));
    similarLimit = f32x4.splat(limitOf(ofSimilar, within / (every >> 2)));
  }
  store<i32>(counts, <i32>((endOfNear - near) >> 2));
  store<i32>(counts, keepNearest(similar, angles, endOfSimilar, ofSimilar, similarWanted), 4);
}

/** 2 − 2·correlation with the query, in the position in which that is least. */
// @ts-ignore: decorator
@inline
function coarseAngle(coarse: usize, inverses: usize, i: i32, weights: usize, gains: usize): f32 {
  const row = coarse + <usize>i * COARSE;
  let best: f32 = -Infinity;
  for (let position: usize = 0; position < POSITIONS; position++) {
    const product = <f32>(<i32>sumLanes(productsAt(row, weights + position * QUERY)));
    best = max(best, product * load<f32>(gains + (position << 2)));
  }
  return 2 - 2 * best * load<f32>(inverses + (<usize>i << 2));
}

/** Of a list with distances, keeps about as many as are wanted, in their order; returns how many. */
function keepNearest(list: usize, distances: usize, end: usize, histogram: usize, wanted: i32): i32 {
  memory.fill(histogram, 0, BINS << 2);
  for (let at = list; at < end; at += 4) countBin(histogram, load<f32>(distances + (at - list)));
  const limit = limitOf(histogram, wanted);
  let kept = list;
  for (let at = list; at < end; at += 4) {
    store<i32>(kept, load<i32>(at));
    kept += <usize>(load<f32>(distances + (at - list)) < limit) << 2;
  }
  return <i32>((kept - list) >> 2);
}

/** The product of a row with the weights. */
// @ts-ignore: decorator
@inline
function productOf(coarse: usize, fine: usize, weights: usize): i32 {
  const sum = i32x4.add(productsAt(coarse, weights), productsAt(fine, weights + COARSE * 2));
  return <i32>sumLanes(i32x4.add(sum, productsAt(fine + COARSE, weights + COARSE * 4)));
}

/**
 * Of the listed rows those that look nearest by all numbers.
 *
 * @param list      int32, ascending
 * @param exclude   a row to leave out, or -1
 * @param distances out: k float64, ascending: squared, without what is the same for all rows
 * @param indices   out: k uint32; of equally near rows the lower comes first
 * @returns         how many were found, at most k
 */
export function nearest(
  list: usize, count: i32, coarse: usize, fine: usize, squares: usize,
  queries: usize, step: f32, exclude: i32, k: i32, distances: usize, indices: usize,
): i32 {
  let found = 0;
  let worst: f64 = Infinity;
  for (const end = list + (<usize>count << 2); list < end; list += 4) {
    const i = load<i32>(list);
    const product = productOf(coarse + <usize>i * COARSE, fine + <usize>i * FINE, queries);
    const squared = <f64>load<f32>(squares + (<usize>i << 2)) - 2 * <f64>step * <f64>product;
    if (squared >= worst || i == exclude) continue;
    found = insert(distances, indices, found, k, squared, i);
    if (found == k) worst = load<f64>(distances + ((<usize>k - 1) << 3));
  }
  return found;
}

/**
 * Of the listed rows those that correlate most with the query in any of its positions, identical ones counted once.
 *
 * @param gains   float32 [5], as `shortlist` has one
 * @param scores  out: k float64, correlations with the sign changed, ascending
 * @param indices out: k uint32
 * @returns       how many were found, at most k
 */
export function similar(
  list: usize, count: i32, coarse: usize, fine: usize, inverses: usize,
  queries: usize, gains: usize, exclude: i32, k: i32, scores: usize, indices: usize,
): i32 {
  let found = 0;
  let worst: f64 = Infinity;
  for (const end = list + (<usize>count << 2); list < end; list += 4) {
    const i = load<i32>(list);
    const ofCoarse = coarse + <usize>i * COARSE;
    const ofFine = fine + <usize>i * FINE;
    let best: f64 = -Infinity;
    for (let position: usize = 0; position < POSITIONS; position++) {
      const product = productOf(ofCoarse, ofFine, queries + (position + 1) * QUERY);
      best = max(best, <f64>product * <f64>load<f32>(gains + (position << 2)));
    }
    const score = -best * <f64>load<f32>(inverses + (<usize>i << 2));
    if (score >= worst || i == exclude || isRepeated(coarse, fine, i, score, found, scores, indices)) continue;
    found = insert(scores, indices, found, k, score, i);
    if (found == k) worst = load<f64>(scores + ((<usize>k - 1) << 3));
  }
  return found;
}

/** Whether a row with the same numbers is among those found: it has the same score to the bit. */
function isRepeated(
  coarse: usize, fine: usize, row: i32, score: f64, found: i32, scores: usize, indices: usize,
): bool {
  for (let i = 0; i < found; i++) {
    if (load<f64>(scores + (<usize>i << 3)) != score) continue;
    const other = <usize>load<i32>(indices + (<usize>i << 2));
    if (memory.compare(coarse + other * COARSE, coarse + <usize>row * COARSE, COARSE) != 0) continue;
    if (memory.compare(fine + other * FINE, fine + <usize>row * FINE, FINE) == 0) return true;
  }
  return false;
}
