/**
 * CIFAR-10's binary version: records of one label byte and 3,072 pixels, all red, then green, then blue.
 *
 * Source: https://www.cs.toronto.edu/~kriz/cifar.html
 */

import { readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { InputError } from "../input-error.ts";
import type { Rows } from "./dataset.ts";
import { dataName, describeNames, isFolder, listFolder, matchingFiles } from "./folder.ts";
import type { FileSource } from "./source.ts";
import { holdOutLast } from "./split.ts";

const SIDE = 32;
const CHANNELS = 3;
const PIXELS = SIDE * SIDE;
const RECORD_BYTES = 1 + PIXELS * CHANNELS;
const TRAIN_FILE = /^data_batch_(\d+)\.bin$/;
const TEST_FILE = "test_batch.bin";
const LABEL_NAMES = "airplane automobile bird cat deer dog frog horse ship truck".split(" ");

export const cifar10Binary: FileSource = {
  name: "cifar10-binary",
  expects: "CIFAR-10 binary (data_batch_1.bin …, test_batch.bin)",

  async detect(path) {
    return (await matchingFiles(path, /^(data_batch_\d+|test_batch)\.bin$/)).length > 0;
  },

  /** A single file is the training part, with the folder's test file where there is one. */
  async load(path) {
    const givenFile = !(await isFolder(path));
    const folder = givenFile ? dirname(path) : path;
    const names = await listFolder(folder);
    const trainNames = givenFile ? [basename(path)] : trainFiles(folder, names);
    const hasTest = names.includes(TEST_FILE) && !trainNames.includes(TEST_FILE);
    const train = await readRecords(trainNames.map((name) => join(folder, name)));
    const test = hasTest ? await readRecords([join(folder, TEST_FILE)]) : null;
    return {
      name: dataName(path),
      kind: "image",
      shape: [SIDE, SIDE, CHANNELS],
      labelNames: LABEL_NAMES,
      modes: null,
      ...holdOutLast(train, test, path),
    };
  },
};

/** data_batch_1.bin up to the highest number there is; a gap is an error. */
function trainFiles(folder: string, names: readonly string[]): string[] {
  const numbers = names.flatMap((name) => TRAIN_FILE.exec(name)?.[1] ?? []).map(Number);
  const last = Math.max(1, ...numbers);
  for (let number = 1; number <= last; number++) {
    if (!numbers.includes(number)) {
      throw new InputError(`${folder}: no data_batch_${number}.bin; ${describeNames(names)}.`);
    }
  }
  return Array.from({ length: last }, (_, i) => `data_batch_${i + 1}.bin`);
}

async function readRecords(files: readonly string[]): Promise<Rows> {
  const contents = await Promise.all(files.map((file) => readFile(file)));
  let count = 0;
  for (const [i, content] of contents.entries()) {
    const records = Math.floor(content.length / RECORD_BYTES);
    const rest = content.length % RECORD_BYTES;
    if (content.length === 0) throw new InputError(`${files[i]}: empty, expected CIFAR-10 records.`);
    if (rest !== 0) {
      throw new InputError(
        `${files[i]}: truncated: ${content.length} bytes are ${records} records of ${RECORD_BYTES} and ${rest} bytes more. Get the file again.`,
      );
    }
    count += records;
  }

  const values = new Uint8Array(count * PIXELS * CHANNELS);
  const labels = new Uint16Array(count);
  let row = 0;
  for (const [i, content] of contents.entries()) {
    for (let start = 0; start < content.length; start += RECORD_BYTES, row++) {
      const label = content[start]!;
      if (label >= LABEL_NAMES.length) {
        throw new InputError(
          `${files[i]}: record ${start / RECORD_BYTES} has label ${label}, expected 0 to ${LABEL_NAMES.length - 1}: not CIFAR-10 binary, or damaged.`,
        );
      }
      labels[row] = label;
      interleave(content.subarray(start + 1, start + RECORD_BYTES), values, row * PIXELS * CHANNELS);
    }
  }
  return { count, length: PIXELS * CHANNELS, values, labels };
}

/** Planar [c, h, w] to [h, w, c]. */
function interleave(planar: Uint8Array, target: Uint8Array, offset: number): void {
  for (let channel = 0; channel < CHANNELS; channel++) {
    for (let pixel = 0; pixel < PIXELS; pixel++) {
      target[offset + pixel * CHANNELS + channel] = planar[channel * PIXELS + pixel]!;
    }
  }
}
