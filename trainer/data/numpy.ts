/**
 * NumPy's .npy and .npz: images as [n, h, w] or [n, h, w, c], vectors as [n] or [n, d].
 *
 * Keys of an .npz: `x`, `images`, `data` or `arr_0` with labels in `y` or `labels`; or, as Keras has it,
 * `x_train`, `y_train`, `x_test`, `y_test`.
 */

import { readFile } from "node:fs/promises";
import { crc32 } from "node:zlib";
import { unzipSync } from "fflate";
import { type NpyArray, NpyError, parseNpy } from "../../shared/npy.ts";
import { InputError } from "../input-error.ts";
import type { Dataset, Rows } from "./dataset.ts";
import { dataName, matchingFiles, onlyMatchingFile } from "./folder.ts";
import type { FileSource } from "./source.ts";
import { numberedLabels, shuffleAndSplit } from "./split.ts";
import { zipChecksums } from "./zip-checksums.ts";

const FILE_NAME = /\.np[yz]$/i;
const X_KEYS = ["x_train", "x", "images", "data", "arr_0"];
const KNOWN_KEYS = [...X_KEYS, "y_train", "x_test", "y_test", "y", "labels"];
const MAX_MEMBERS = 100;
/** Of names that an error shows. */
const SHOWN_NAMES = 10;
const SHOWN_CHARACTERS = 40;
/** Deflate can't encode more than 258 bytes in two bits, so whoever claims more lies. */
const DEFLATE_MAX_RATIO = 1032;
const MAX_INFLATED_BYTES = 2 ** 31;
const MAX_LABEL = 2 ** 16 - 1;

export const numpy: FileSource = {
  name: "numpy",
  expects: "a NumPy .npy or .npz file",

  async detect(path) {
    return (await matchingFiles(path, FILE_NAME)).length > 0;
  },

  async load(path, { seed }) {
    const file = await onlyMatchingFile(path, FILE_NAME);
    const bytes = await readFile(file);
    const arrays = /z$/i.test(file) ? readNpz(bytes, file) : { x: readArray(bytes, file) };
    const xKey = X_KEYS.find((key) => key in arrays)!;
    const yKey = (xKey === "x_train" ? ["y_train"] : ["y", "labels"]).find((key) => key in arrays);
    const hasTest = xKey === "x_train" && "x_test" in arrays;

    function part(x: string, y: string | undefined): Part {
      const examples = readExamples(arrays[x]!, `${file}: ${x}`);
      const labels = y === undefined ? null : readLabels(arrays[y]!, examples.rows.count, `${file}: ${y}`);
      return { ...examples, rows: { ...examples.rows, labels } };
    }
    const all = part(xKey, yKey);
    if (hasTest && yKey && !("y_test" in arrays)) throw new InputError(`${file}: y_train, but no y_test.`);
    const test = hasTest ? part("x_test", yKey && "y_test") : null;
    if (test && (test.kind !== all.kind || test.shape.join() !== all.shape.join())) {
      throw new InputError(
        `${file}: x_test holds examples of shape ${test.shape.join("×")}, x_train of ${all.shape.join("×")}.`,
      );
    }
    return {
      name: dataName(path),
      kind: all.kind,
      shape: all.shape,
      labelNames: numberedLabels(all.rows, test?.rows ?? null),
      modes: null,
      ...shuffleAndSplit(all.rows, { test: test?.rows }, seed, file),
    };
  },
};

interface Part extends Pick<Dataset, "kind" | "shape"> {
  readonly rows: Rows;
}

function readArray(bytes: Uint8Array, where: string): NpyArray {
  try {
    return parseNpy(bytes);
  } catch (error) {
    if (error instanceof NpyError) throw new InputError(`${where}: ${error.message}.`);
    throw error;
  }
}

/** The arrays with known names, by key; others may hold anything. */
function readNpz(bytes: Uint8Array, file: string): Record<string, NpyArray> {
  if (bytes.length === 0) throw new InputError(`${file}: empty, expected a NumPy .npz archive.`);
  const names: string[] = [];
  let inflatedBytes = 0;
  const refuse = (reason: string) => new InputError(`${file}: ${reason}`);
  let entries: Record<string, Uint8Array>;
  try {
    entries = unzipSync(bytes, {
      filter({ name, size, originalSize, compression }) {
        if (names.push(name) > MAX_MEMBERS) throw refuse(`more than ${MAX_MEMBERS} arrays.`);
        if (!KNOWN_KEYS.some((key) => name === `${key}.npy`)) return false;
        if (originalSize > size * (compression === 0 ? 1 : DEFLATE_MAX_RATIO)) {
          throw refuse(`${name} declares ${originalSize} bytes, more than its ${size} stored ones can hold.`);
        }
        inflatedBytes += originalSize;
        if (inflatedBytes > MAX_INFLATED_BYTES) {
          throw refuse(`inflates to more than ${MAX_INFLATED_BYTES} bytes. Save a part of it.`);
        }
        return true;
      },
    });
    const checksums = zipChecksums(bytes);
    for (const [name, content] of Object.entries(entries)) {
      if (crc32(content) !== checksums.get(name)) throw new Error(`${name} fails its checksum`);
    }
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw refuse(
      `no .npz archive, or damaged or truncated (${(error as Error).message}). Get the file again.`,
    );
  }
  const arrays = Object.entries(entries).map(([name, content]) => [
    name.slice(0, -".npy".length),
    readArray(content, `${file}: ${name}`),
  ]);
  const found: Record<string, NpyArray> = Object.fromEntries(arrays);
  if (!X_KEYS.some((key) => key in found)) {
    const held = names.slice(0, SHOWN_NAMES).map((name) => name.slice(0, SHOWN_CHARACTERS));
    throw refuse(`no array named ${X_KEYS.join(", ")}; it holds ${held.join(", ") || "none"}.`);
  }
  return found;
}

function readExamples(array: NpyArray, where: string): Part {
  const [count = 0, ...shape] = array.shape;
  const text = `(${array.shape.join(", ")})`;
  const isImages = shape.length === 2 || shape.length === 3;
  if (array.shape.length === 0 || array.shape.length > 4) {
    throw new InputError(
      `${where}: shape ${text}, expected [n, d] for vectors, or [n, h, w] or [n, h, w, c] for images.`,
    );
  }
  if (array.values.length === 0) throw new InputError(`${where}: shape ${text} holds no numbers: empty.`);
  if (isImages && shape.length === 3 && shape[2] !== 1 && shape[2] !== 3) {
    throw new InputError(
      `${where}: shape ${text}, expected 1 or 3 channels, last: [n, h, w, c]. Got ${shape[2]}.`,
    );
  }
  const length = array.values.length / count;
  if (!isImages) {
    const values = vectorValues(array, length, where);
    return { kind: "vector", shape: [length], rows: { count, length, values, labels: null } };
  }
  const values = pixelsU8(array, length, where);
  return {
    kind: "image",
    shape: [shape[0]!, shape[1]!, shape[2] ?? 1],
    rows: { count, length, values, labels: null },
  };
}

function vectorValues({ values }: NpyArray, length: number, where: string): Float32Array<ArrayBuffer> {
  const numbers = new Float32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    numbers[i] = Number(values[i]!);
    if (!Number.isFinite(numbers[i]!)) {
      throw new InputError(
        `${where}: row ${Math.floor(i / length)} holds ${values[i]}, expected finite float32 numbers.`,
      );
    }
  }
  return numbers;
}

/** uint8 as it is, other whole numbers from 0 to 255, floats from 0 to 1 times 255. */
function pixelsU8({ values }: NpyArray, length: number, where: string): Uint8Array<ArrayBuffer> {
  if (values instanceof Uint8Array) return values;
  const isFloat = values instanceof Float32Array || values instanceof Float64Array;
  const top = isFloat ? 1 : 255;
  const pixels = new Uint8Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const value = Number(values[i]!);
    if (!(value >= 0 && value <= top)) {
      throw new InputError(
        `${where}: image ${Math.floor(i / length)} holds ${value}, expected ${isFloat ? "floats" : "whole numbers"} from 0 to ${top}.`,
      );
    }
    pixels[i] = isFloat ? Math.round(value * 255) : value;
  }
  return pixels;
}

function readLabels(array: NpyArray, count: number, where: string): Uint16Array<ArrayBuffer> {
  const { shape, values } = array;
  if (values.length !== count || shape[0] !== count) {
    throw new InputError(
      `${where}: shape (${shape.join(", ")}), expected one label for each of ${count} rows.`,
    );
  }
  if (values instanceof Float32Array || values instanceof Float64Array) {
    throw new InputError(`${where}: floats, expected whole numbers as labels.`);
  }
  const labels = new Uint16Array(count);
  for (let i = 0; i < count; i++) {
    const label = Number(values[i]!);
    if (label < 0 || label > MAX_LABEL) {
      throw new InputError(`${where}: row ${i} has label ${label}, expected 0 to ${MAX_LABEL}.`);
    }
    labels[i] = label;
  }
  return labels;
}
