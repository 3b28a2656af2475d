/**
 * Stacked images: every channel is an image of its own, drawn at random, and the class says which class each is of.
 * Stacked MNIST, three digits as red, green and blue, has 1,000 modes that can be counted.
 *
 * Source: Metz et al. 2017, arXiv:1611.02163; the protocol of its evaluation is VEEGAN's (arXiv:1705.07761).
 */

import { createRandom, type Random } from "../../shared/random.ts";
import { InputError } from "../input-error.ts";
import type { Dataset, Rows } from "./dataset.ts";

/** Labels are uint16. */
const MAX_CLASSES = 2 ** 16;

/**
 * As many images in each part as before, made of images of that part alone. Class abc of ten classes, say, is 100a +
 * 10b + c.
 *
 * @param dataset labelled images of one channel
 * @throws InputError if it is something else
 */
export function stackImages(dataset: Dataset, channels: number, seed: number): Dataset {
  const { name, kind, shape, labelNames } = dataset;
  const [height, width, ownChannels] = shape as readonly [number, number, number];
  if (kind !== "image" || ownChannels !== 1 || !labelNames) {
    const found = kind === "image" ? `images of ${shape.join("×")}` : `vectors of ${shape.join("×")}`;
    throw new InputError(
      `data.stack: expected labelled images of one channel, "${name}" has ${found}${labelNames ? "" : " without labels"}. Leave it out.`,
    );
  }
  const classCount = labelNames.length ** channels;
  if (classCount > MAX_CLASSES) {
    throw new InputError(
      `data.stack: ${labelNames.length} classes make ${classCount} of ${channels}, at most ${MAX_CLASSES} are counted. Leave it out.`,
    );
  }
  const random = createRandom(seed).fork("stack");
  const part = (rows: Rows, of: string) => stackRows(rows, channels, labelNames.length, random.fork(of));
  return {
    name: `stacked-${name}`,
    kind,
    shape: [height, width, channels],
    labelNames: Array.from({ length: classCount }, (_, label) =>
      digitsOf(label, labelNames.length, channels)
        .map((digit) => labelNames[digit])
        .join(labelNames.every((each) => each.length === 1) ? "" : " "),
    ),
    train: part(dataset.train, "train"),
    heldOut: part(dataset.heldOut, "held-out"),
    test: dataset.test && part(dataset.test, "test"),
    modes: null,
    channelsOf: dataset,
  };
}

function stackRows(rows: Rows, channels: number, classCount: number, random: Random): Rows {
  const { count, length } = rows;
  const values = new Uint8Array(count * length * channels);
  const labels = new Uint16Array(count);
  for (let i = 0; i < count; i++) {
    for (let channel = 0; channel < channels; channel++) {
      const drawn = random.below(count);
      labels[i] = labels[i]! * classCount + rows.labels![drawn]!;
      const start = i * length * channels + channel;
      for (let j = 0; j < length; j++) values[start + j * channels] = rows.values[drawn * length + j]!;
    }
  }
  return { count, length: length * channels, values, labels };
}

/** To base `base`, the first digit first. */
function digitsOf(label: number, base: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => Math.floor(label / base ** (count - 1 - i)) % base);
}
