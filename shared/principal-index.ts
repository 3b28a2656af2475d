/**
 * Candidates among images by 96 numbers of each (principal-numbers.ts) instead of all pixels: for training sets that
 * don't fit in memory. The first 32 say which are looked at. The kernel is kernels/principal.as.ts.
 */

import { movedImages, POSITIONS } from "./aligned-distance.ts";
import type { CandidateIndex } from "./candidate-index.ts";
import { instantiate, layOutMemory, wholeVectors } from "./kernel-memory.ts";
import {
  ALIGNMENT,
  directionUnit,
  imagesBytes,
  NUMBERS,
  type PrincipalKernel,
  principalLayout,
} from "./principal-numbers.ts";

/** The most candidates of a kind. */
const MAX_CANDIDATES = 128;

/** With more, the verdict finds no more altered copies: BENCHMARKS.md. */
const DEPTH = { nearest: 6, spare: 2, aligned: 4, similar: 4 };

/** Rows that are looked at for the nearest, those that look nearest by their first numbers: a share, but not too few. */
const NEAREST_SHARE = 1 / 256;
const MIN_NEAREST = 1024;

/** Rows that are looked at for the most similar, those that correlate most by their first numbers. */
const SIMILAR_SHARE = 1 / 64;
const MIN_SIMILAR = 3072;

/** Rows of those that are looked at by all numbers: those that correlate most by their first in any position. */
const SIMILAR_FINALISTS = 512;

/** As in the kernel. */
const HISTOGRAM_BINS = 8192;

/** Weights of a query are int16. */
const LARGEST_WEIGHT = 32_767;

/** Past the last row as many bytes may be read as three rows take. */
const SPARE_BYTES = 3 * NUMBERS;

export interface PrincipalIndex extends CandidateIndex {
  /** The file (principal-numbers.ts). Fill before the first query. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** @param module kernels/build/principal.wasm, compiled */
export function createPrincipalIndex(
  module: WebAssembly.Module,
  rowCount: number,
  shape: readonly number[],
): PrincipalIndex {
  const rowLength = shape.reduce((product, size) => product * size, 1);
  const nearWanted = Math.max(MIN_NEAREST, Math.ceil(rowCount * NEAREST_SHARE));
  const similarWanted = Math.max(MIN_SIMILAR, Math.ceil(rowCount * SIMILAR_SHARE));
  const file = principalLayout(rowCount, rowLength);

  const { allocate, create } = layOutMemory();
  const rowNumbers = () => allocate(wholeVectors(rowCount * 4));
  const scoresAt = allocate(MAX_CANDIDATES * 8);
  const indicesAt = allocate(MAX_CANDIDATES * 4);
  const movedAt = allocate(imagesBytes(POSITIONS.length, rowLength));
  const numbersAt = allocate(POSITIONS.length * NUMBERS * 4);
  const weightsAt = allocate((1 + POSITIONS.length) * NUMBERS * 2);
  const gainsAt = allocate(POSITIONS.length * 4);
  const countsAt = allocate(2 * 4);
  const histogramsAt = allocate(2 * HISTOGRAM_BINS * 4);
  const nearAt = allocate(2 * nearWanted * 4);
  const similarAt = allocate(2 * similarWanted * 4);
  const anglesAt = allocate(2 * similarWanted * 4);
  const coarseSquaresAt = rowNumbers();
  const coarseInversesAt = rowNumbers();
  const squaresAt = rowNumbers();
  const inversesAt = rowNumbers();
  const fileAt = allocate(file.bytes + SPARE_BYTES);
  const memory = create();
  const buffer = memory.buffer as ArrayBuffer;
  const kernel = instantiate<PrincipalKernel>(module, memory);
  const [coarseAt, fineAt, scalesAt] = [
    fileAt + file.coarseAt,
    fileAt + file.fineAt,
    fileAt + file.scalesAt,
  ] as const;

  const moved = new Uint8Array(buffer, movedAt, POSITIONS.length * rowLength);
  const numbers = new Float32Array(buffer, numbersAt, POSITIONS.length * NUMBERS);
  const weights = new Int16Array(buffer, weightsAt, (1 + POSITIONS.length) * NUMBERS);
  const gains = new Float32Array(buffer, gainsAt, POSITIONS.length);
  const scales = new Float32Array(buffer, scalesAt, NUMBERS);

  let isReady = false;
  /** Lays the query out for the kernel; returns its sum of squares, and a step of its products as a distance's part. */
  const place = (query: Uint8Array) => {
    if (!isReady) {
      kernel.measure(
        coarseAt,
        fineAt,
        rowCount,
        scalesAt,
        coarseSquaresAt,
        coarseInversesAt,
        squaresAt,
        inversesAt,
      );
      isReady = true;
    }
    movedImages(query, shape, moved);
    kernel.project(
      movedAt,
      POSITIONS.length,
      rowLength,
      fileAt + file.directionsAt,
      directionUnit(rowLength),
      numbersAt,
    );
    const steps = POSITIONS.map((_, position) => {
      const own = numbers.subarray(position * NUMBERS, (position + 1) * NUMBERS);
      const scaled = Float64Array.from(own, (number, i) => number * scales[i]!);
      scaled[1]! *= ALIGNMENT;
      const step = scaled.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-9) / LARGEST_WEIGHT;
      const rounded = scaled.map((value) => Math.round(value / step));
      if (position === 0) weights.set(rounded);
      rounded.fill(0, 0, 2);
      weights.set(rounded, (position + 1) * NUMBERS);
      const length = Math.sqrt(sumOfSquares(own.subarray(2)));
      gains[position] = length > 0 ? step / length : 0;
      return step;
    });
    return { square: sumOfSquares(numbers.subarray(0, NUMBERS)), step: steps[0]! };
  };

  return {
    bytes: new Uint8Array(buffer, fileAt, file.bytes),
    memoryBytes: buffer.byteLength,
    depth: DEPTH,
    async candidates(query, counts, exclude = -1) {
      const { square, step } = place(query as Uint8Array);
      kernel.shortlist(
        coarseAt,
        rowCount,
        coarseSquaresAt,
        coarseInversesAt,
        weightsAt,
        step,
        square,
        gainsAt,
        histogramsAt,
        nearWanted,
        nearAt,
        similarWanted,
        SIMILAR_FINALISTS,
        similarAt,
        anglesAt,
        countsAt,
      );
      const [nearCount, similarCount] = new Int32Array(buffer, countsAt, 2);
      const near = kernel.nearest(
        nearAt,
        nearCount!,
        coarseAt,
        fineAt,
        squaresAt,
        weightsAt,
        step,
        exclude,
        Math.min(counts.nearest, MAX_CANDIDATES),
        scoresAt,
        indicesAt,
      );
      const nearest = new Uint32Array(buffer, indicesAt, near).slice();
      const similar = kernel.similar(
        similarAt,
        similarCount!,
        coarseAt,
        fineAt,
        inversesAt,
        weightsAt,
        gainsAt,
        exclude,
        Math.min(counts.similar, MAX_CANDIDATES),
        scoresAt,
        indicesAt,
      );
      return { nearest, similar: new Uint32Array(buffer, indicesAt, similar).slice() };
    },
  };
}

function sumOfSquares(values: Float32Array): number {
  return values.reduce((sum, value) => sum + value * value, 0);
}
