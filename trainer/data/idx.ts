/**
 * MNIST's IDX files: `<part>-images-idx3-ubyte` and `<part>-labels-idx1-ubyte`, plain or gzipped, where the
 * part is `train` and `t10k` or `test`, or ends with it (`emnist-letters-train`).
 *
 * Source: Yann LeCun's description, http://yann.lecun.com/exdb/mnist/
 */

import { basename, dirname, join } from "node:path";
import { InputError } from "../input-error.ts";
import { openBytes } from "./byte-reader.ts";
import type { Rows } from "./dataset.ts";
import { dataName, describeNames, isFolder, listFolder } from "./folder.ts";
import type { FileSource } from "./source.ts";
import { holdOutLast, numberedLabels } from "./split.ts";

const FILE_NAME = /^(?<part>.+)-(?:(?<images>images)[-.]idx3|labels[-.]idx1)-ubyte(?:\.gz)?$/i;
const TEST_PART = /(?:^|[-_.])(?:t10k|test)$/i;
/** What the parts of one data set have in common: `emnist-letters` of `emnist-letters-train`. */
const SET_NAME = /^(.*?)[-_.]?(?:train|t10k|test)?$/i;

/** More than any data set of this kind has; keeps a forged header from taking all memory. */
const MAX_BYTES = 2 ** 32;

export const idx: FileSource = {
  name: "idx",
  expects: "MNIST-style IDX files (*-images-idx3-ubyte[.gz])",

  async detect(path) {
    if (await isFolder(path)) return (await listFolder(path)).some((name) => FILE_NAME.test(name));
    return FILE_NAME.test(basename(path)) || (await startsLikeIdx(path));
  },

  async load(path) {
    const files = await findFiles(path);
    const train = await readPart(files.train);
    const test = files.test && (await readPart(files.test));
    if (test && test.shape.join() !== train.shape.join()) {
      throw new InputError(
        `${files.test!.images}: images of ${sizeText(test.shape)}, but the training images are ${sizeText(train.shape)}.`,
      );
    }
    return {
      name: dataName(path),
      kind: "image",
      shape: [...train.shape, 1],
      labelNames: numberedLabels(train.rows, test?.rows ?? null),
      modes: null,
      ...holdOutLast(train.rows, test?.rows ?? null, path),
    };
  },
};

/** One part's files; no labels: the set is unlabelled. */
interface PartFiles {
  readonly images: string;
  readonly labels: string | null;
}

async function findFiles(path: string): Promise<{ train: PartFiles; test: PartFiles | null }> {
  const givenFile = !(await isFolder(path));
  const folder = givenFile ? dirname(path) : path;
  const names = await listFolder(folder);
  const parts = [...new Set(names.flatMap((name) => FILE_NAME.exec(name)?.groups?.["part"] ?? []))];

  const given = givenFile ? FILE_NAME.exec(basename(path))?.groups?.["part"] : undefined;
  if (givenFile && given === undefined) return { train: { images: path, labels: null }, test: null };
  const candidates = given !== undefined ? [given] : parts.filter((part) => !TEST_PART.test(part));
  if (candidates.length > 1) {
    throw new InputError(
      `${folder}: holds several training parts (${candidates.join(", ")}). Give one's images file with --data.`,
    );
  }
  const train = candidates[0] ?? "train";
  const test = parts.find(
    (part) => part !== train && TEST_PART.test(part) && setName(part) === setName(train),
  );

  function fileOf(part: string, kind: "images" | "labels"): string | null {
    const found = names.find((name) => {
      const groups = FILE_NAME.exec(name)?.groups;
      return groups?.["part"] === part && (groups["images"] ? "images" : "labels") === kind;
    });
    return found === undefined ? null : join(folder, found);
  }
  function missing(part: string, kind: "images-idx3" | "labels-idx1"): InputError {
    return new InputError(
      `${folder}: no ${part}-${kind}-ubyte or ${part}-${kind}-ubyte.gz; ${describeNames(names)}.`,
    );
  }
  function filesOf(part: string): PartFiles {
    const images = fileOf(part, "images");
    if (!images) throw missing(part, "images-idx3");
    return { images, labels: fileOf(part, "labels") };
  }
  const found = { train: filesOf(train), test: test === undefined ? null : filesOf(test) };
  if (found.test && !found.train.labels && found.test.labels) throw missing(train, "labels-idx1");
  if (found.test && found.train.labels && !found.test.labels) throw missing(test!, "labels-idx1");
  return found;
}

function setName(part: string): string {
  return SET_NAME.exec(part)![1]!;
}

async function readPart(files: PartFiles): Promise<{ shape: [number, number]; rows: Rows }> {
  const images = await readIdx(files.images, "images");
  const [count, height, width] = images.sizes as [number, number, number];
  if (count * height * width === 0) {
    throw new InputError(`${files.images}: declares ${count} images of ${sizeText([height, width])}: empty.`);
  }
  const labels = files.labels === null ? null : await readIdx(files.labels, "labels");
  if (labels && labels.sizes[0] !== count) {
    throw new InputError(
      `${files.labels}: ${labels.sizes[0]} labels for ${count} images in ${basename(files.images)}. Are they of one set?`,
    );
  }
  const rows: Rows = {
    count,
    length: height * width,
    values: images.bytes,
    labels: labels && Uint16Array.from(labels.bytes),
  };
  return { shape: [height, width], rows };
}

/** What a magic number's last byte, the number of dimensions, means in this format. */
const DIMENSIONS = { images: 3, labels: 1 } as const;
type Kind = keyof typeof DIMENSIONS;

interface IdxArray {
  readonly sizes: readonly number[];
  readonly bytes: Uint8Array<ArrayBuffer>;
}

async function readIdx(path: string, kind: Kind): Promise<IdxArray> {
  const reader = await openBytes(path);
  try {
    const dimensions = DIMENSIONS[kind];
    const magic = new Uint8Array(4);
    const magicBytes = await reader.read(magic);
    checkMagic(magic.subarray(0, magicBytes), kind, path);
    const header = new DataView(new ArrayBuffer(4 * dimensions));
    const headerBytes = await reader.read(new Uint8Array(header.buffer));
    if (headerBytes < 4 * dimensions) {
      throw new InputError(`${path}: truncated: ends inside its header. Get the file again.`);
    }
    const sizes = Array.from({ length: dimensions }, (_, i) => header.getUint32(4 * i));
    const declared = sizes.reduce((product, size) => product * size, 1);
    const what =
      kind === "images" ? `${sizes[0]} images of ${sizeText(sizes.slice(1))}` : `${sizes[0]} labels`;
    const promise = `declares ${what} = ${declared} bytes`;
    if (declared > MAX_BYTES) throw new InputError(`${path}: ${promise}; at most ${MAX_BYTES} are read.`);
    const most = reader.mostBytes - 4 - 4 * dimensions;
    if (declared > most) {
      throw new InputError(
        `${path}: truncated: ${promise}, has ${reader.isGzip ? "at most " : ""}${most}. Get the file again.`,
      );
    }
    const bytes = new Uint8Array(declared);
    const present = await reader.read(bytes);
    if (present < declared) {
      throw new InputError(`${path}: truncated: ${promise}, has ${present}. Get the file again.`);
    }
    const more = await reader.read(new Uint8Array(1));
    if (reader.endsEarly()) {
      throw new InputError(`${path}: truncated: the gzip data end early. Get the file again.`);
    }
    if (more > 0) {
      throw new InputError(`${path}: ${promise}, but has more. The file is damaged.`);
    }
    return { sizes, bytes };
  } finally {
    reader.close();
  }
}

function checkMagic(magic: Uint8Array, kind: Kind, path: string): void {
  const expected = `00 00 08 0${DIMENSIONS[kind]}`;
  const found = Array.from(magic, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
  if (found === expected) return;
  if (magic.length === 0) throw new InputError(`${path}: empty, expected an IDX file of ${kind}.`);
  for (const other of Object.keys(DIMENSIONS) as Kind[]) {
    if (found === `00 00 08 0${DIMENSIONS[other]}`) {
      throw new InputError(
        `${path}: mislabelled: named as ${kind} (IDX magic ${expected}), but holds ${other} (${found}). Rename it.`,
      );
    }
  }
  throw new InputError(`${path}: no IDX file of ${kind}: starts with ${found}, expected ${expected}.`);
}

async function startsLikeIdx(path: string): Promise<boolean> {
  const magic = new Uint8Array(4);
  const reader = await openBytes(path);
  try {
    await reader.read(magic);
    return magic.join() === "0,0,8,3";
  } catch (error) {
    if (error instanceof InputError) return false; // damaged gzip: nobody can say what it holds
    throw error;
  } finally {
    reader.close();
  }
}

function sizeText(sizes: readonly number[]): string {
  return sizes.join("×");
}
