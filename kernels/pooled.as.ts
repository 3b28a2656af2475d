// Search among images by their pooled rows: each image at half and at a quarter of its size, a byte a cell.
//
// Memory is imported and laid out by shared/image-scan.ts. A pooled row lies on a stride of whole vectors and ends
// in zeros, which count for nothing. Cells that reach beyond the image are filled up with black.

import { insert, squaredDistance, sumLanes } from "./lib/rows.as";

/**
 * Writes the rounded means of every factor × factor pixels of each channel, and what distances and correlations
 * need of each row.
 *
 * @param rows     [rowCount, height, width, channels] uint8; 16 readable bytes follow
 * @param rowBytes bytes from one row to the next
 * @param pooled   out: [rowCount, stride] uint8; 16 writable bytes follow
 * @param stride   bytes from one pooled row to the next, a multiple of 16
 * @param sums, squares, inverses out: as `measure` writes them
 */
export function pool(
  rows: usize, rowBytes: usize, rowCount: i32, height: usize, width: usize, channels: usize, factor: usize,
  pooled: usize, stride: usize, sums: usize, squares: usize, inverses: usize,
): void {
  const cells = ((height + factor - 1) / factor) * ((width + factor - 1) / factor) * channels;
  const inPairs = channels == 1 && width % factor == 0;
  let at = pooled;
  for (let row = 0; row < rowCount; row++) {
    if (!inPairs) poolImage(rows, height, width, channels, factor, at);
    else if (factor == 2) halve(rows, height, width, at);
    else quarter(rows, height, width, at);
    memory.fill(at + cells, 0, stride - cells);
    rows += rowBytes;
    at += stride;
  }
  measure(pooled, rowCount, stride, cells, sums, squares, inverses);
}

/**
 * What distances and correlations need of each pooled row.
 *
 * @param sums     out: rowCount float32, the sum over a row's cells
 * @param squares  out: rowCount uint32, their sum of squares
 * @param inverses out: rowCount float32, 1 / √(the sum of squares about their mean); 0 where all are equal
 */
export function measure(
  pooled: usize, rowCount: i32, stride: usize, cells: usize, sums: usize, squares: usize, inverses: usize,
): void {
  for (let row = 0; row < rowCount; row++) {
    let sum = i64x2.splat(0);
    let square = i64x2.splat(0);
    for (let at: usize = 0; at < stride; at += 16) {
      const bytes = v128.load(pooled + at);
      const low = i16x8.extend_low_i8x16_u(bytes);
      const high = i16x8.extend_high_i8x16_u(bytes);
      sum = i32x4.add(sum, i32x4.extadd_pairwise_i16x8_u(i16x8.add(low, high)));
      square = i32x4.add(square, i32x4.add(i32x4.dot_i16x8_s(low, low), i32x4.dot_i16x8_s(high, high)));
    }
    const total = <f64>sumLanes(sum);
    const squared = sumLanes(square);
    const about = <f64>squared - (total * total) / <f64>cells;
    store<f32>(sums + (<usize>row << 2), <f32>total);
    store<u32>(squares + (<usize>row << 2), squared);
    store<f32>(inverses + (<usize>row << 2), about > 0 ? <f32>(1 / Math.sqrt(about)) : 0);
    pooled += stride;
  }
}

function poolImage(image: usize, height: usize, width: usize, channels: usize, factor: usize, pooled: usize): void {
  const area = <u32>(factor * factor);
  for (let top: usize = 0; top < height; top += factor) {
    for (let left: usize = 0; left < width; left += factor) {
      for (let channel: usize = 0; channel < channels; channel++) {
        let sum: u32 = area >> 1;
        for (let y = top; y < min(top + factor, height); y++) {
          for (let x = left; x < min(left + factor, width); x++) {
            sum += load<u8>(image + (y * width + x) * channels + channel);
          }
        }
        store<u8>(pooled++, sum / area);
      }
    }
  }
}

// A vector that begins in a row of pixels may reach into the next one, and what it then writes is written over by
// the next row of cells, or by zeros after the last.

/** poolImage for one channel, an even width and a factor of 2. */
function halve(image: usize, height: usize, width: usize, pooled: usize): void {
  for (let top: usize = 0; top < height; top += 2) {
    const row = image + top * width;
    for (let x: usize = 0; x < width; x += 16) {
      let sum = i16x8.extadd_pairwise_i8x16_u(v128.load(row + x));
      if (top + 1 < height) sum = i16x8.add(sum, i16x8.extadd_pairwise_i8x16_u(v128.load(row + width + x)));
      const means = i16x8.shr_u(i16x8.add(sum, i16x8.splat(2)), 2);
      v128.store64_lane(pooled + (x >> 1), i8x16.narrow_i16x8_u(means, means), 0);
    }
    pooled += width >> 1;
  }
}

/** poolImage for one channel, a width that 4 divides and a factor of 4. */
function quarter(image: usize, height: usize, width: usize, pooled: usize): void {
  for (let top: usize = 0; top < height; top += 4) {
    const row = image + top * width;
    const depth = min<usize>(4, height - top);
    for (let x: usize = 0; x < width; x += 16) {
      let pairs = i16x8.extadd_pairwise_i8x16_u(v128.load(row + x));
      for (let y: usize = 1; y < depth; y++) {
        pairs = i16x8.add(pairs, i16x8.extadd_pairwise_i8x16_u(v128.load(row + y * width + x)));
      }
      const sums = i32x4.extadd_pairwise_i16x8_u(pairs);
      const means = i32x4.shr_u(i32x4.add(sums, i32x4.splat(8)), 4);
      const words = i16x8.narrow_i32x4_u(means, means);
      v128.store32_lane(pooled + (x >> 2), i8x16.narrow_i16x8_u(words, words), 0);
    }
    pooled += width >> 2;
  }
}

// @ts-ignore: decorator
@inline
function dot(row: usize, query: usize, stride: usize): u32 {
  let sum = i64x2.splat(0);
  for (let at: usize = 0; at < stride; at += 16) {
    const bytes = v128.load(row + at);
    const low = i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_u(bytes), v128.load(query + (at << 1)));
    const high = i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_u(bytes), v128.load(query + (at << 1), 16));
    sum = i32x4.add(sum, i32x4.add(low, high));
  }
  return sumLanes(sum);
}

/** Positions of a query, as shared/aligned-distance.ts lists them. */
const POSITIONS: i32 = 5;

let dot0: u32 = 0, dot1: u32 = 0, dot2: u32 = 0, dot3: u32 = 0, dot4: u32 = 0;

// @ts-ignore: decorator
@inline
function dotOf(position: i32): u32 {
  if (position == 0) return dot0;
  if (position == 1) return dot1;
  if (position == 2) return dot2;
  return position == 3 ? dot3 : dot4;
}

// @ts-ignore: decorator
@inline
function addDot(sum: v128, low: v128, high: v128, query: usize): v128 {
  const products = i32x4.add(i32x4.dot_i16x8_s(low, v128.load(query)), i32x4.dot_i16x8_s(high, v128.load(query, 16)));
  return i32x4.add(sum, products);
}

/** `dot` with the query in each of its positions; the row's bytes are widened once. */
// @ts-ignore: decorator
@inline
function dotEach(row: usize, queries: usize, stride: usize): void {
  let s0 = i64x2.splat(0), s1 = i64x2.splat(0), s2 = i64x2.splat(0), s3 = i64x2.splat(0), s4 = i64x2.splat(0);
  const step = stride << 1;
  for (let at: usize = 0; at < stride; at += 16) {
    const bytes = v128.load(row + at);
    const low = i16x8.extend_low_i8x16_u(bytes);
    const high = i16x8.extend_high_i8x16_u(bytes);
    const query = queries + (at << 1);
    s0 = addDot(s0, low, high, query);
    s1 = addDot(s1, low, high, query + step);
    s2 = addDot(s2, low, high, query + step * 2);
    s3 = addDot(s3, low, high, query + step * 3);
    s4 = addDot(s4, low, high, query + step * 4);
  }
  dot0 = sumLanes(s0);
  dot1 = sumLanes(s1);
  dot2 = sumLanes(s2);
  dot3 = sumLanes(s3);
  dot4 = sumLanes(s4);
}

/**
 * The dot product of every pooled row with a query.
 *
 * @param query int16, widened from a pooled row, its zeros included
 * @param dots  out: rowCount uint32
 */
export function dotProducts(pooled: usize, rowCount: i32, stride: usize, query: usize, dots: usize): void {
  for (let row = 0; row < rowCount; row++) {
    store<u32>(dots + (<usize>row << 2), dot(pooled, query, stride));
    pooled += stride;
  }
}

/**
 * Rows that a search looks at in full to learn how near the k-th is. MNIST, k = 5: with 64, 9,000 of 50,000 rows
 * are left to be looked at, with k 18,600, with 256 8,800.
 */
const PROBES = 64;

/** The least squared distance of pooled rows that rules out a squared distance below `limit`; see `search`. */
// @ts-ignore: decorator
@inline
function pooledLimit(limit: u64, factor: f64, cells: f64): i32 {
  const distance = Math.sqrt(<f64>limit) / factor + Math.sqrt(cells);
  return <i32>min(distance * distance + 2, <f64>i32.MAX_VALUE);
}

/** Squared distances of four pooled rows to the query's. They fit int32, though what they are summed of may not. */
// @ts-ignore: decorator
@inline
function squaredDistances(squares: usize, dots: usize, querySquare: v128): v128 {
  return i32x4.sub(i32x4.add(querySquare, v128.load(squares)), i32x4.shl(v128.load(dots), 1));
}

/**
 * Nearest images by squared L2, exactly. Pooled rows bound the distance from below, so few images are looked at
 * in full.
 *
 * A cell's mean is the mean of n = factor² pixels, so by Jensen ‖q − x‖² ≥ n·‖mean(q) − mean(x)‖². Means are
 * rounded, which moves each of their differences by at most 1: ‖q − x‖ ≥ factor·(‖q̄ − x̄‖ − √cells).
 *
 * @param query         the image, int16, zero-padded to a multiple of 16 numbers
 * @param tailMask      16 bytes: 255 for each byte of a row's last, partial vector
 * @param coarseDots    dotProducts of the coarse rows (factor 4); as their squares, 3 more may be read
 * @param coarseSquares sums of squares of the coarse rows
 * @param coarseSquare  the query's
 * @param fine          the fine rows (factor 2)
 * @param fineQuery     int16, the query's fine row
 * @param probeBounds   room for 64 float64
 * @param probes        room for 64 int32
 * @param near          room for rowCount int32
 * @param k             at most 64
 * @param exclude       a row to leave out, or -1
 * @param distances     out: k float64, ascending squared distances
 * @param indices       out: k uint32; of equally near rows the lower comes first
 * @returns             how many were found: min(k, rows not excluded)
 */
export function search(
  rows: usize, rowCount: i32, rowLength: usize, query: usize, tailMask: usize,
  coarseDots: usize, coarseSquares: usize, coarseSquare: i32, coarseCells: i32,
  fine: usize, fineStride: usize, fineSquares: usize, fineQuery: usize, fineSquare: i32, fineCells: i32,
  probeBounds: usize, probes: usize, near: usize, exclude: i32, k: i32, distances: usize, indices: usize,
): i32 {
  const mask = v128.load(tailMask);
  const square = i32x4.splat(coarseSquare);
  if (rowCount - (exclude >= 0 ? 1 : 0) < k) return searchAll(rows, rowCount, rowLength, query, mask, exclude, k, distances, indices);

  // The k-th nearest is no farther than the k-th of any rows; those with the smallest bounds are near.
  let probeCount = 0;
  let worst = i32.MAX_VALUE;
  for (let first = 0; first < rowCount; first += 4) {
    const bounds = squaredDistances(coarseSquares + (<usize>first << 2), coarseDots + (<usize>first << 2), square);
    let below = i32x4.bitmask(i32x4.lt_s(bounds, i32x4.splat(worst)));
    for (; below != 0; below &= below - 1) {
      const i = first + ctz(below);
      if (i == exclude || i >= rowCount) continue;
      const bound = laneOf(bounds, i - first);
      probeCount = insert(probeBounds, probes, probeCount, PROBES, <f64>bound, i);
      if (probeCount == PROBES) worst = <i32>load<f64>(probeBounds + ((PROBES - 1) << 3));
    }
  }
  let found = 0;
  for (let i = 0; i < probeCount; i++) {
    const row = load<i32>(probes + (<usize>i << 2));
    const total = squaredDistance(rows + <usize>row * rowLength, rowLength, query, mask, u64.MAX_VALUE);
    if (found < k || <f64>total < load<f64>(distances + ((<usize>k - 1) << 3))) {
      found = insert(distances, indices, found, k, <f64>total, row);
    }
  }
  let limit = <u64>load<f64>(distances + ((<usize>k - 1) << 3)) + 1;

  // Listed first: rows that are read one after the other without a branch in between arrive in half the time.
  const coarseLimit = pooledLimit(limit, 4, coarseCells);
  let count: usize = 0;
  for (let i = 0; i < rowCount; i++) {
    store<i32>(near + (count << 2), i);
    const at = <usize>i << 2;
    const bound = coarseSquare + load<i32>(coarseSquares + at) - 2 * load<i32>(coarseDots + at);
    count += <usize>(bound < coarseLimit);
  }
  // In the rows' order, so that the lower row wins a tie.
  found = 0;
  let fineLimit = pooledLimit(limit, 2, fineCells);
  for (const end = near + (count << 2); near < end; near += 4) {
    const i = load<i32>(near);
    const fineDot = dot(fine + <usize>i * fineStride, fineQuery, fineStride);
    if (fineSquare + load<i32>(fineSquares + (<usize>i << 2)) - 2 * <i32>fineDot >= fineLimit) continue;
    const total = squaredDistance(rows + <usize>i * rowLength, rowLength, query, mask, limit);
    if (total >= limit || i == exclude) continue;
    found = insert(distances, indices, found, k, <f64>total, i);
    if (found < k) continue;
    limit = <u64>load<f64>(distances + ((<usize>k - 1) << 3));
    fineLimit = pooledLimit(limit, 2, fineCells);
  }
  return found;
}

/** A lane whose number is not known when this is compiled. */
// @ts-ignore: decorator
@inline
function laneOf(v: v128, lane: i32): i32 {
  if (lane == 0) return i32x4.extract_lane(v, 0);
  if (lane == 1) return i32x4.extract_lane(v, 1);
  return lane == 2 ? i32x4.extract_lane(v, 2) : i32x4.extract_lane(v, 3);
}

/** For fewer rows than are asked for. */
function searchAll(
  rows: usize, rowCount: i32, rowLength: usize, query: usize, mask: v128,
  exclude: i32, k: i32, distances: usize, indices: usize,
): i32 {
  let found = 0;
  for (let i = 0; i < rowCount; i++, rows += rowLength) {
    if (i == exclude) continue;
    const total = squaredDistance(rows, rowLength, query, mask, u64.MAX_VALUE);
    found = insert(distances, indices, found, k, <f64>total, i);
  }
  return found;
}

/**
 * Lists, in ascending order, the rows of all bins above `last`, and of that one the first `left`. Listed
 * before they are looked at: rows that are read one after the other without a branch in between arrive sooner.
 *
 * @param near out: int32; one more is written than is counted
 */
// @ts-ignore: decorator
@inline
function list(bins: usize, rowCount: i32, last: i32, left: i32, near: usize): usize {
  let count: usize = 0;
  for (let i = 0; i < rowCount; i++) {
    const bin = <i32>load<u16>(bins + (<usize>i << 1));
    const isLast = <i32>(bin == last) & <i32>(left > 0);
    store<i32>(near + (count << 2), i);
    count += <usize>(<i32>(bin > last) | isLast);
    left -= isLast;
  }
  return count;
}

/** Equal parts of the correlations from −1 to 1. */
const BINS = 4096;

/**
 * The images that correlate most with a query in any of its positions, identical ones counted once.
 *
 * Only the `shortlist` images that correlate most in the coarse rows, with the query in its first position, are
 * looked at.
 *
 * @param shortlist   how many
 * @param coarseDots, coarseSums, coarseInverses of the coarse rows; 3 more may be read
 * @param fineQueries [5, fineStride] int16, the query in each position
 * @param fineQuerySums, fineQueryInverses 5 float32 each
 * @param bins        room for rowCount uint16 and 3 more
 * @param histogram   room for 4096 uint32
 * @param near        room for shortlist + 1 int32
 * @param scores      out: k float64, correlations with the sign changed, ascending; 0 where a row or the query has
 *                    one value in all cells
 * @param candidates  out: k int32, row × 5 + position
 * @returns           how many were found, at most k
 */
export function candidates(
  rows: usize, rowCount: i32, rowLength: usize, shortlist: i32,
  coarseDots: usize, coarseSums: usize, coarseInverses: usize, coarseSum: f32, coarseInverse: f32, coarseCells: i32,
  fine: usize, fineStride: usize, fineSums: usize, fineInverses: usize, fineCells: i32,
  fineQueries: usize, fineQuerySums: usize, fineQueryInverses: usize,
  bins: usize, histogram: usize, near: usize, exclude: i32, k: i32, scores: usize, candidates: usize,
): i32 {
  memory.fill(histogram, 0, BINS << 2);
  const queryMean = f32x4.splat(coarseSum / <f32>coarseCells);
  const scale = f32x4.splat(coarseInverse * <f32>(BINS / 2));
  for (let first = 0; first < rowCount; first += 4) {
    const at = <usize>first << 2;
    const inRange = correlationBins(coarseDots + at, coarseSums + at, coarseInverses + at, queryMean, scale);
    v128.store64_lane(bins + (at >> 1), i16x8.narrow_i32x4_u(inRange, inRange), 0);
    for (let i = first; i < min(first + 4, rowCount); i++) {
      const bin = histogram + (<usize>load<u16>(bins + (<usize>i << 1)) << 2);
      store<u32>(bin, load<u32>(bin) + 1);
    }
  }
  // All rows of the bins above `last`, and of that one the first `left`.
  let last = BINS - 1;
  let left = shortlist;
  for (; last > 0; last--) {
    const count = load<i32>(histogram + (<usize>last << 2));
    if (count >= left) break;
    left -= count;
  }

  const end = near + (list(bins, rowCount, last, left, near) << 2);
  return mostSimilar(
    rows, rowLength, near, end, fine, fineStride, fineSums, fineInverses, fineCells,
    fineQueries, fineQuerySums, fineQueryInverses, exclude, k, scores, candidates,
  );
}

// @ts-ignore: decorator
@inline
function correlationBins(dots: usize, sums: usize, inverses: usize, queryMean: v128, scale: v128): v128 {
  const covariances = f32x4.sub(f32x4.convert_i32x4_u(v128.load(dots)), f32x4.mul(v128.load(sums), queryMean));
  const scaled = f32x4.mul(f32x4.mul(covariances, v128.load(inverses)), scale);
  const places = i32x4.trunc_sat_f32x4_s(f32x4.add(scaled, f32x4.splat(<f32>(BINS / 2))));
  return i32x4.max_s(i32x4.min_s(places, i32x4.splat(BINS - 1)), i32x4.splat(0));
}

/** Of the rows listed from `near` to `end`, those that correlate most with the query in any of its positions. */
// @ts-ignore: decorator
@inline
function mostSimilar(
  rows: usize, rowLength: usize, near: usize, end: usize,
  fine: usize, fineStride: usize, fineSums: usize, fineInverses: usize, fineCells: i32,
  fineQueries: usize, fineQuerySums: usize, fineQueryInverses: usize,
  exclude: i32, k: i32, scores: usize, candidates: usize,
): i32 {
  let found = 0;
  let worst: f64 = Infinity;
  for (; near < end; near += 4) {
    const i = load<i32>(near);
    if (i == exclude) continue;
    const row = fine + <usize>i * fineStride;
    const mean = <f64>load<f32>(fineSums + (<usize>i << 2)) / <f64>fineCells;
    const inverse = <f64>load<f32>(fineInverses + (<usize>i << 2));
    let best: f64 = Infinity;
    let bestPosition = 0;
    dotEach(row, fineQueries, fineStride);
    for (let position = 0; position < POSITIONS; position++) {
      const at = <usize>position << 2;
      const covariance = <f64>dotOf(position) - mean * <f64>load<f32>(fineQuerySums + at);
      const score = -covariance * inverse * <f64>load<f32>(fineQueryInverses + at);
      if (score < best) {
        best = score;
        bestPosition = position;
      }
    }
    if (best >= worst || isRepeated(rows, rowLength, i, best, found, scores, candidates)) continue;
    found = insert(scores, candidates, found, k, best, i * POSITIONS + bestPosition);
    if (found == k) worst = load<f64>(scores + ((<usize>k - 1) << 3));
  }
  return found;
}

/** Whether an identical image is among those found: it has the same score to the bit. */
function isRepeated(
  rows: usize, rowLength: usize, row: i32, score: f64,
  found: i32, scores: usize, candidates: usize,
): bool {
  for (let i = 0; i < found; i++) {
    if (load<f64>(scores + (<usize>i << 3)) != score) continue;
    const other = load<i32>(candidates + (<usize>i << 2)) / POSITIONS;
    if (memory.compare(rows + <usize>other * rowLength, rows + <usize>row * rowLength, rowLength) == 0) return true;
  }
  return false;
}
