/** The file of an index of principal directions (shared/principal-numbers.ts), made of the training images. */

import { instantiate, layOutMemory } from "../../shared/kernel-memory.ts";
import {
  COARSE_NUMBERS,
  DIRECTIONS,
  directionUnit,
  imagesBytes,
  NUMBERS,
  type PrincipalKernel,
  principalLayout,
} from "../../shared/principal-numbers.ts";
import type { Engine } from "../engine/engine.ts";
import { kernelModule } from "../engine/kernels.ts";
import { symmetricEigen } from "../linear-algebra/eigen.ts";
import { createPrincipalDirections } from "../search/principal-directions.ts";

/** Images that the directions are fitted to. */
const SAMPLE_ROWS = 2048;

/** Images whose numbers are computed at once. */
const BLOCK_ROWS = 1024;

/** What a byte's steps reach, to either side. */
const MOST_STEPS = 127;

/** @param rows uint8 [n, length] */
export async function principalRows(
  engine: Engine,
  rows: Uint8Array,
  length: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const rowCount = rows.length / length;
  const file = principalLayout(rowCount, length);
  const bytes = new Uint8Array(file.bytes);
  const directions = new Int16Array(bytes.buffer, file.directionsAt, DIRECTIONS * file.directionLength);
  const unit = directionUnit(length);
  directions.fill(Math.round(unit / Math.sqrt(length)), 0, length);
  const principal = await directionsOf(engine, rows, length);
  for (let i = 0; i < principal.length / length; i++) {
    const direction = principal.subarray(i * length, (i + 1) * length);
    directions.set(
      direction.map((value) => Math.round(value * unit)),
      (i + 1) * file.directionLength,
    );
  }
  const numbers = numbersOf(rows, length, directions);
  const scales = new Float32Array(bytes.buffer, file.scalesAt, NUMBERS);
  for (const [i, value] of numbers.entries()) {
    scales[i % NUMBERS] = Math.max(scales[i % NUMBERS]!, Math.abs(value) / MOST_STEPS);
  }
  const coarse = new Int8Array(bytes.buffer, file.coarseAt, rowCount * COARSE_NUMBERS);
  const fine = new Int8Array(bytes.buffer, file.fineAt);
  const steps = new Int8Array(NUMBERS);
  for (let row = 0; row < rowCount; row++) {
    for (let i = 0; i < NUMBERS; i++) {
      const scale = scales[i]!;
      steps[i] = scale > 0 ? Math.round(numbers[row * NUMBERS + i]! / scale) : 0;
    }
    coarse.set(steps.subarray(0, COARSE_NUMBERS), row * COARSE_NUMBERS);
    fine.set(steps.subarray(COARSE_NUMBERS), row * (NUMBERS - COARSE_NUMBERS));
  }
  return bytes;
}

/**
 * The directions in which images differ most once each has lost its own mean, the first ones most.
 *
 * @returns [at most 94, length], orthonormal
 */
async function directionsOf(engine: Engine, rows: Uint8Array, length: number): Promise<Float32Array> {
  const rowCount = rows.length / length;
  const sampled = Math.min(rowCount, SAMPLE_ROWS);
  const sample = new Float32Array(sampled * length);
  for (let i = 0; i < sampled; i++) {
    const row = Math.floor((i * rowCount) / sampled);
    const image = rows.subarray(row * length, (row + 1) * length);
    const mean = image.reduce((sum, value) => sum + value, 0) / length;
    sample.set(
      Float32Array.from(image, (value) => value - mean),
      i * length,
    );
  }
  const directionCount = Math.min(DIRECTIONS - 1, sampled, length);
  const principal = createPrincipalDirections(engine, { rowCount: sampled, length, directionCount });
  const directions = await principal.of(sample);
  await principal.dispose();
  return sorted(directions, sample, length);
}

/** Directions of the same space, turned so that the rows vary most along the first, then along the second, … */
function sorted(directions: Float32Array, rows: Float32Array, length: number): Float32Array {
  const count = directions.length / length;
  const products = new Float64Array(count * count);
  const along = new Float64Array(count);
  for (let row = 0; row < rows.length; row += length) {
    for (let i = 0; i < count; i++) {
      let sum = 0;
      for (let k = 0; k < length; k++) sum += rows[row + k]! * directions[i * length + k]!;
      along[i] = sum;
    }
    for (let i = 0; i < count; i++) {
      for (let j = 0; j < count; j++) products[i * count + j]! += along[i]! * along[j]!;
    }
  }
  const { vectors } = symmetricEigen(products, count);
  const turned = new Float32Array(directions.length);
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < count; j++) {
      const share = vectors[i * count + j]!;
      for (let k = 0; k < length; k++) turned[i * length + k]! += share * directions[j * length + k]!;
    }
  }
  return turned;
}

/** [n, 96] */
function numbersOf(rows: Uint8Array, length: number, directions: Int16Array): Float32Array {
  const rowCount = rows.length / length;
  const numbers = new Float32Array(rowCount * NUMBERS);
  const blockRows = Math.min(rowCount, BLOCK_ROWS);
  const { allocate, create } = layOutMemory();
  const imagesAt = allocate(imagesBytes(blockRows, length));
  const directionsAt = allocate(directions.byteLength);
  const numbersAt = allocate(blockRows * NUMBERS * 4);
  const memory = create();
  const buffer = memory.buffer as ArrayBuffer;
  const kernel = instantiate<PrincipalKernel>(kernelModule("principal"), memory);
  new Int16Array(buffer, directionsAt, directions.length).set(directions);
  for (let first = 0; first < rowCount; first += blockRows) {
    const count = Math.min(blockRows, rowCount - first);
    new Uint8Array(buffer, imagesAt).set(rows.subarray(first * length, (first + count) * length));
    kernel.project(imagesAt, count, length, directionsAt, directionUnit(length), numbersAt);
    numbers.set(new Float32Array(buffer, numbersAt, count * NUMBERS), first * NUMBERS);
  }
  return numbers;
}
