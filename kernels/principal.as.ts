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
const POSITIONS: i32 = 5;

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

/** Of four rows, products of their first 32 numbers with weights, not added up. */
// @ts-ignore: decorator
@inline
function products(row: usize, weights: usize): v128 {
  return i32x4.add(
    i32x4.add(
      i32x4.dot_i16x8_s(v128.load8x8_s(row), v128.load(weights)),
      i32x4.dot_i16x8_s(v128.load8x8_s(row, 8), v128.load(weights, 16)),
    ),
    i32x4.add(
      i32x4.dot_i16x8_s(v128.load8x8_s(row, 16), v128.load(weights, 32)),
      i32x4.dot_i16x8_s(v128.load8x8_s(row, 24), v128.load(weights, 48)),
    ),
  );
}

/** The sums of the lanes of four vectors. */
// @ts-ignore: decorator
@inline
function sumEach(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = i32x4.add(v128.shuffle<i32>(a, b, 0, 4, 1, 5), v128.shuffle<i32>(a, b, 2, 6, 3, 7));
  const cd = i32x4.add(v128.shuffle<i32>(c, d, 0, 4, 1, 5), v128.shuffle<i32>(c, d, 2, 6, 3, 7));
  return i32x4.add(v128.shuffle<i32>(ab, cd, 0, 1, 4, 5), v128.shuffle<i32>(ab, cd, 2, 3, 6, 7));
}

/** The products of four rows' first 32 numbers, but for the first two, with a query. */
// @ts-ignore: decorator
@inline
function correlationsOf(rows: usize, weights: usize): v128 {
  return sumEach(
    products(rows, weights),
    products(rows + COARSE, weights),
    products(rows + COARSE * 2, weights),
    products(rows + COARSE * 3, weights),
  );
}

/** The products of four rows' first two numbers with a query. */
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
function binsOf(squared: v128): v128 {
  const bins = i32x4.sub(i32x4.shr_s(f32x4.max(squared, f32x4.splat(0)), 16), i32x4.splat(FIRST_BIN));
  return i32x4.max_s(bins, i32x4.splat(0));
}

// @ts-ignore: decorator
@inline
function countBins(histogram: usize, bins: v128): void {
  countBin(histogram, i32x4.extract_lane(bins, 0));
  countBin(histogram, i32x4.extract_lane(bins, 1));
  countBin(histogram, i32x4.extract_lane(bins, 2));
  countBin(histogram, i32x4.extract_lane(bins, 3));
}

// @ts-ignore: decorator
@inline
function countBin(histogram: usize, bin: i32): void {
  const at = histogram + (<usize>bin << 2);
  store<u32>(at, load<u32>(at) + 1);
}

/** The bin by which `wanted` rows are counted. */
function lastBin(histogram: usize, wanted: i32): i32 {
  let left = wanted;
  let bin = 0;
  for (; bin < BINS - 1; bin++) {
    left -= load<i32>(histogram + (<usize>bin << 2));
    if (left <= 0) break;
  }
  return bin;
}

/** Rows whose bins tell where a list ends: four of every so many. More would cost more than they gain. */
const SAMPLED_OF = 64;

/** Below it every row counts. */
const SAMPLED_FROM = 1 << 15;

/** Appends those of four rows whose bit is set; returns the end of the list, which is at most `limit`. */
// @ts-ignore: decorator
@inline
function append(end: usize, limit: usize, first: i32, bits: i32, rowCount: i32): usize {
  for (; bits != 0 && end < limit; bits &= bits - 1) {
    const row = first + ctz(bits);
    if (row >= rowCount) break;
    store<i32>(end, row);
    end += 4;
  }
  return end;
}

/**
 * The rows that look nearest, and those that look most similar, to a query by their first 32 numbers: about as many as
 * are wanted. Where the lists end is told by a sample of the rows.
 *
 * @param coarse      int8 [rowCount, 32]; 96 readable bytes follow
 * @param squares, inverses as `measure` writes them; 3 more may be read
 * @param queries     int16 [6, 96]: weights for distances, then for correlations in the query's first position
 * @param step        what a product's step is, as a distance's part
 * @param square      the sum of squares of the query's numbers
 * @param gain        what makes a product with the second weights a correlation, but for the row's inverse
 * @param histograms  room for 2 × 8192 uint32
 * @param near, similar out: int32, each with room for twice as many as are wanted
 * @param counts      out: 2 int32
 */
export function shortlist(
  coarse: usize, rowCount: i32, squares: usize, inverses: usize,
  queries: usize, step: f32, square: f32, gain: f32,
  histograms: usize, nearWanted: i32, similarWanted: i32, near: usize, similar: usize, counts: usize,
): void {
  const weights = queries + QUERY;
  const firstTwo = v128.load32_splat(queries);
  const steps = f32x4.splat(-2 * step);
  const querySquares = f32x4.splat(square);
  const gains = f32x4.splat(-2 * gain);
  const two = f32x4.splat(2);

  const sampled = rowCount < SAMPLED_FROM ? 4 : SAMPLED_OF;
  memory.fill(histograms, 0, BINS << 3);
  for (let first = 0; first + 4 <= rowCount; first += sampled) {
    const rows = coarse + <usize>first * COARSE;
    const at = <usize>first << 2;
    const along = correlationsOf(rows, weights);
    const all = i32x4.add(along, firstTwoOf(rows, firstTwo));
    countBins(histograms, distanceBins(all, steps, squares + at, querySquares));
    countBins(histograms + (BINS << 2), angleBins(along, gains, inverses + at, two));
  }
  const lastNear = i32x4.splat(lastBin(histograms, nearWanted / (sampled >> 2)));
  const lastSimilar = i32x4.splat(lastBin(histograms + (BINS << 2), similarWanted / (sampled >> 2)));

  let endOfNear = near;
  let endOfSimilar = similar;
  const limitOfNear = near + (<usize>nearWanted << 3);
  const limitOfSimilar = similar + (<usize>similarWanted << 3);
  for (let first = 0; first < rowCount; first += 4) {
    const rows = coarse + <usize>first * COARSE;
    const at = <usize>first << 2;
    const along = correlationsOf(rows, weights);
    const all = i32x4.add(along, firstTwoOf(rows, firstTwo));
    const isNear = i32x4.bitmask(i32x4.le_s(distanceBins(all, steps, squares + at, querySquares), lastNear));
    const isSimilar = i32x4.bitmask(i32x4.le_s(angleBins(along, gains, inverses + at, two), lastSimilar));
    if (isNear != 0) endOfNear = append(endOfNear, limitOfNear, first, isNear, rowCount);
    if (isSimilar != 0) endOfSimilar = append(endOfSimilar, limitOfSimilar, first, isSimilar, rowCount);
  }
  store<i32>(counts, <i32>((endOfNear - near) >> 2));
  store<i32>(counts, <i32>((endOfSimilar - similar) >> 2), 4);
}

// @ts-ignore: decorator
@inline
function distanceBins(sums: v128, steps: v128, squares: usize, querySquares: v128): v128 {
  const distances = f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(sums), steps), v128.load(squares));
  return binsOf(f32x4.add(distances, querySquares));
}

/** By the squared distance of what is made as long as 1: 2 − 2·correlation. */
// @ts-ignore: decorator
@inline
function angleBins(sums: v128, gains: v128, inverses: usize, two: v128): v128 {
  const correlations = f32x4.mul(f32x4.mul(f32x4.convert_i32x4_s(sums), gains), v128.load(inverses));
  return binsOf(f32x4.add(correlations, two));
}

/** The product of a row with the weights. */
// @ts-ignore: decorator
@inline
function productOf(coarse: usize, fine: usize, weights: usize): i32 {
  let sum = products(coarse, weights);
  sum = i32x4.add(sum, products(fine, weights + COARSE * 2));
  return <i32>sumLanes(i32x4.add(sum, products(fine + COARSE, weights + COARSE * 4)));
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
    for (let position = 0; position < POSITIONS; position++) {
      const product = productOf(ofCoarse, ofFine, queries + <usize>(position + 1) * QUERY);
      best = max(best, <f64>product * <f64>load<f32>(gains + (<usize>position << 2)));
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
