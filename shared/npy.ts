/**
 * NumPy's .npy: reading what may be hostile, and writing.
 *
 * Read: format versions 1–3, C order, little-endian uint8, int32, int64, float32 and float64.
 * Source: NumPy Enhancement Proposal 1, https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */

/** The array's numbers, row-major; the element type tells NumPy's dtype. */
export type NpyValues =
  | Uint8Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | BigInt64Array<ArrayBuffer>
  | Float32Array<ArrayBuffer>
  | Float64Array<ArrayBuffer>;

export interface NpyArray {
  /** Empty for a single number. */
  readonly shape: readonly number[];
  readonly values: NpyValues;
}

/** The bytes are no .npy file that this program reads; the message says what was expected and what came. */
export class NpyError extends Error {
  override readonly name = "NpyError";
}

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]; // "\x93NUMPY"
/** NumPy's own limit; a header of an array without fields needs some 100 bytes. */
const MAX_HEADER_BYTES = 10_000;
const MAX_DIMENSIONS = 32;
/** Data start at a multiple of this in files that are written here, as NumPy does. */
const ALIGNMENT = 64;

/** By NumPy's descriptor: the array type that holds it. All hosts of JavaScript are little-endian. */
const ARRAY_TYPES = {
  "|u1": Uint8Array,
  "<i4": Int32Array,
  "<i8": BigInt64Array,
  "<f4": Float32Array,
  "<f8": Float64Array,
} as const;

/**
 * Reads an .npy file. Nothing larger than `bytes` is allocated, whatever the header claims.
 *
 * @returns a copy: shares no memory with `bytes`
 * @throws NpyError
 */
export function parseNpy(bytes: Uint8Array): NpyArray {
  const { header, dataStart } = readHeader(bytes);
  const { descr, fortranOrder, shape } = parseHeader(header);
  if (!Object.hasOwn(ARRAY_TYPES, descr)) {
    throw new NpyError(`dtype "${descr}", but this program reads ${Object.keys(ARRAY_TYPES).join(", ")}`);
  }
  if (fortranOrder && shape.length > 1) {
    throw new NpyError("the array is in Fortran order; save numpy.ascontiguousarray(x)");
  }
  const ArrayType = ARRAY_TYPES[descr as keyof typeof ARRAY_TYPES];
  const declared = shape.reduce((product, size) => product * size, ArrayType.BYTES_PER_ELEMENT);
  const present = bytes.length - dataStart;
  if (declared !== present) {
    throw new NpyError(
      `shape ${shapeText(shape)} of ${descr} is ${declared} bytes, but ${present} follow the header`,
    );
  }
  const { buffer } = new Uint8Array(bytes.subarray(dataStart));
  return { shape, values: new ArrayType(buffer) };
}

/** Writes an .npy file, format version 1. The product of `shape` is the number of values. */
export function encodeNpy({ shape, values }: NpyArray): Uint8Array<ArrayBuffer> {
  const count = shape.reduce((product, size) => product * size, 1);
  if (count !== values.length) {
    throw new RangeError(`encodeNpy: shape ${shapeText(shape)} has ${count} values, got ${values.length}`);
  }
  const descr = Object.entries(ARRAY_TYPES).find(([, ArrayType]) => values instanceof ArrayType)![0];
  const dictionary = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${shapeText(shape)}, }`;
  const preamble = MAGIC.length + 4;
  const dataStart = Math.ceil((preamble + dictionary.length + 1) / ALIGNMENT) * ALIGNMENT;
  const header = `${dictionary.padEnd(dataStart - preamble - 1)}\n`;

  const bytes = new Uint8Array(dataStart + values.byteLength);
  bytes.set(MAGIC);
  bytes[6] = 1;
  new DataView(bytes.buffer).setUint16(8, header.length, true);
  bytes.set(new TextEncoder().encode(header), preamble);
  bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), dataStart);
  return bytes;
}

/** As Python writes a tuple: (), (3,), (3, 4). */
function shapeText(shape: readonly number[]): string {
  return shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
}

function readHeader(bytes: Uint8Array): { header: string; dataStart: number } {
  if (bytes.length === 0) throw new NpyError("empty");
  if (MAGIC.some((byte, i) => bytes[i] !== byte)) {
    throw new NpyError("does not start with \\x93NUMPY, so it is no .npy file");
  }
  const version = bytes[6];
  if (version !== undefined && (version < 1 || version > 3)) {
    throw new NpyError(`format version ${version}, but this program reads 1 to 3`);
  }
  const preamble = version === 1 ? 10 : 12;
  if (bytes.length < preamble) throw new NpyError(`ends after ${bytes.length} bytes, in the header`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerBytes = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (headerBytes > MAX_HEADER_BYTES) {
    throw new NpyError(`declares a header of ${headerBytes} bytes, at most ${MAX_HEADER_BYTES} are read`);
  }
  const dataStart = preamble + headerBytes;
  if (bytes.length < dataStart) {
    throw new NpyError(`declares a header of ${headerBytes} bytes, but has ${bytes.length - preamble}`);
  }
  return { header: new TextDecoder().decode(bytes.subarray(preamble, dataStart)), dataStart };
}

/** The header is a Python dictionary of plain literals, which a few replacements make JSON. */
function parseHeader(header: string): { descr: string; fortranOrder: boolean; shape: number[] } {
  const json = header
    .replaceAll("'", '"')
    .replaceAll("(", "[")
    .replaceAll(")", "]")
    .replace(/\bTrue\b/, "true")
    .replace(/\bFalse\b/, "false")
    .replaceAll(/,\s*([\]}])/g, "$1");
  let dictionary: Record<string, unknown> | null = null;
  try {
    dictionary = JSON.parse(json);
  } catch {
    // Not a dictionary either way; the message below tells what was expected.
  }
  const { descr, fortran_order: fortranOrder, shape, ...others } = dictionary ?? {};
  if (
    typeof descr !== "string" ||
    typeof fortranOrder !== "boolean" ||
    !Array.isArray(shape) ||
    shape.length > MAX_DIMENSIONS ||
    !shape.every((size) => Number.isSafeInteger(size) && size >= 0) ||
    Object.keys(others).length > 0
  ) {
    throw new NpyError(
      "the header is not {'descr': '…', 'fortran_order': …, 'shape': (…)} of a plain array of numbers",
    );
  }
  return { descr, fortranOrder, shape };
}
