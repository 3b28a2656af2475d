/** Bytes that a parser nearly takes: whole files with a few faults. */

import fc from "fast-check";

type Bytes = Uint8Array<ArrayBuffer>;
type Edit = (bytes: Bytes) => Bytes;

/** Where lengths, counts and offsets go wrong. */
const NUMBERS = [0, 1, -1, 127, 128, 255, 256, 32767, 32768, 65535, 65536, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1];

/** What texts and headers go wrong by. */
const WORDS = [
  "-1",
  "1e999",
  "NaN",
  "null",
  "9".repeat(40),
  "../../x",
  "__proto__",
  "\0",
  "\n",
  '"',
  "{",
  "]",
  "ÿ",
  "\u2028",
  "[".repeat(300),
].map((word) => new TextEncoder().encode(word));

/** @param seeds whole files; the first is the plainest */
export function nearly(seeds: readonly Uint8Array[]): fc.Arbitrary<Bytes> {
  return fc
    .tuple(fc.constantFrom(...seeds), fc.array(edits, { minLength: 1, maxLength: 4 }))
    .map(([seed, faults]) => faults.reduce((bytes, edit) => edit(bytes), Uint8Array.from(seed) as Bytes));
}

/** A place in bytes of any length: headers are at the start, so half of the places are there. */
const place = fc.oneof(
  fc.nat(63),
  fc.nat(63).map((back) => -1 - back),
  fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
);
const at = (bytes: Bytes, where: number) => {
  if (bytes.length === 0) return 0;
  if (!Number.isInteger(where)) return Math.floor(where * bytes.length);
  return where < 0 ? Math.max(0, bytes.length + where) : Math.min(where, bytes.length - 1);
};

const edits: fc.Arbitrary<Edit> = fc.oneof(
  // One bit.
  fc.tuple(place, fc.nat(7)).map(
    ([where, bit]): Edit =>
      (bytes) => {
        if (bytes.length > 0) bytes[at(bytes, where)]! ^= 1 << bit;
        return bytes;
      },
  ),
  // A number over what is there.
  fc.tuple(place, fc.constantFrom(...NUMBERS), fc.constantFrom(1, 2, 4), fc.boolean()).map(
    ([where, value, size, littleEndian]): Edit =>
      (bytes) => {
        const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
        const start = Math.min(at(bytes, where), bytes.length - size);
        if (start < 0) return bytes;
        if (size === 4) view.setInt32(start, value, littleEndian);
        else if (size === 2) view.setInt16(start, value, littleEndian);
        else view.setInt8(start, value);
        return bytes;
      },
  ),
  // Cut short.
  place.map(
    (where): Edit =>
      (bytes) =>
        bytes.slice(0, at(bytes, where)),
  ),
  // A piece left out, or said twice.
  fc.tuple(place, fc.nat(64), fc.boolean()).map(
    ([where, length, twice]): Edit =>
      (bytes) => {
        const start = at(bytes, where);
        const end = Math.min(bytes.length, start + length);
        return joined(bytes.subarray(0, twice ? end : start), bytes.subarray(twice ? start : end));
      },
  ),
  // Something put in, or over what is there.
  fc
    .tuple(
      place,
      fc.oneof(fc.constantFrom(...WORDS), fc.uint8Array({ minLength: 1, maxLength: 40 })),
      fc.boolean(),
    )
    .map(
      ([where, piece, over]): Edit =>
        (bytes) => {
          const start = at(bytes, where);
          return joined(bytes.subarray(0, start), piece, bytes.subarray(over ? start + piece.length : start));
        },
    ),
  // A piece moved.
  fc.tuple(place, place, fc.integer({ min: 1, max: 64 })).map(
    ([from, to, length]): Edit =>
      (bytes) => {
        bytes.copyWithin(at(bytes, to), at(bytes, from), at(bytes, from) + length);
        return bytes;
      },
  ),
);

export function joined(...parts: readonly Uint8Array[]): Bytes {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let start = 0;
  for (const part of parts) {
    all.set(part, start);
    start += part.length;
  }
  return all;
}
