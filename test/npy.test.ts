import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeNpy, type NpyArray, NpyError, parseNpy } from "../shared/npy.ts";

const shapes = fc.array(fc.nat({ max: 5 }), { maxLength: 4 });
const arrays: fc.Arbitrary<NpyArray> = shapes.chain((shape) => {
  const count = shape.reduce((product, size) => product * size, 1);
  const exactly = { minLength: count, maxLength: count };
  return fc
    .oneof(
      fc.uint8Array(exactly),
      fc.int32Array(exactly),
      fc.bigInt64Array(exactly),
      fc.float32Array(exactly),
      fc.float64Array(exactly),
    )
    .map((values) => ({ shape, values }) as NpyArray);
});

test("what was written is read back, whatever the alignment of the bytes", () => {
  fc.assert(
    fc.property(arrays, fc.nat({ max: 9 }), (array, offset) => {
      const bytes = encodeNpy(array);
      const shifted = new Uint8Array(bytes.length + offset).subarray(offset);
      shifted.set(bytes);
      expect(parseNpy(shifted)).toEqual(array);
    }),
  );
});

test("every truncation is refused", () => {
  fc.assert(
    fc.property(arrays, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (array, share) => {
      const bytes = encodeNpy(array);
      expect(() => parseNpy(bytes.subarray(0, Math.floor(share * bytes.length)))).toThrow(NpyError);
    }),
  );
});

test("bytes after the data are refused", () => {
  fc.assert(
    fc.property(arrays, fc.integer({ min: 1, max: 9 }), (array, extra) => {
      const bytes = encodeNpy(array);
      const longer = new Uint8Array(bytes.length + extra);
      longer.set(bytes);
      expect(() => parseNpy(longer)).toThrow(/but \d+ follow the header/);
    }),
  );
});

test("a flipped byte in the header never ends in anything but an array or an NpyError", () => {
  const bytes = encodeNpy({ shape: [2, 3], values: new Float32Array(6) });
  fc.assert(
    fc.property(fc.nat({ max: 127 }), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const altered = bytes.slice();
      altered[at]! ^= flip;
      try {
        expect(parseNpy(altered).values.byteLength).toBe(24);
      } catch (error) {
        expect(error).toBeInstanceOf(NpyError);
      }
    }),
    { numRuns: 1000 },
  );
});

test("writes the very bytes that NumPy writes", () => {
  // numpy.save of numpy.array([[1, 2, 3]], dtype="f4"), NumPy 2.4
  const header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 3), }".padEnd(117);
  const expected = Buffer.concat([
    Buffer.from("\x93NUMPY\x01\x00\x76\x00", "latin1"),
    Buffer.from(`${header}\n`),
    Buffer.from(Float32Array.of(1, 2, 3).buffer),
  ]);
  expect(Buffer.from(encodeNpy({ shape: [1, 3], values: Float32Array.of(1, 2, 3) }))).toEqual(expected);
});

describe("headers", () => {
  test.each([
    [1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }"],
    [1, "{'descr': '<f4', 'fortran_order': True, 'shape': (2,), }"], // one dimension has no order
    [2, '{"shape": (2,), "fortran_order": False, "descr": "<f4"}'],
    [3, "{ 'fortran_order':False,'shape':( 2 , ),'descr':'<f4'}   \n"],
  ])("version %i: %s", (version, header) => {
    const { shape, values } = parseNpy(npyFile(version, header, Float32Array.of(1, 2)));
    expect(shape).toEqual([2]);
    expect(values).toEqual(Float32Array.of(1, 2));
  });

  test.each([
    ["", /^empty$/],
    ["PK\x03\x04", /does not start with \\x93NUMPY/],
    ["\x93NUMPY\x04\x00", /format version 4, but this program reads 1 to 3/],
    ["\x93NUMPY\x01\x00", /ends after 8 bytes/],
    ["\x93NUMPY\x02\x00\xff\xff\xff\xff", /declares a header of 4294967295 bytes, at most 10000/],
    ["\x93NUMPY\x01\x00\x76\x00{", /declares a header of 118 bytes, but has 1/],
  ])("%j is refused", (text, message) => {
    expect(() => parseNpy(Buffer.from(text, "latin1"))).toThrow(message);
  });

  test.each([
    ["{'descr': '>f4', 'fortran_order': False, 'shape': (2,), }", /dtype ">f4", but this program reads \|u1/],
    ["{'descr': '|O', 'fortran_order': False, 'shape': (2,), }", /dtype "\|O"/],
    ["{'descr': 'constructor', 'fortran_order': False, 'shape': (2,), }", /dtype "constructor"/],
    ["{'descr': '<f4', 'fortran_order': True, 'shape': (2, 1), }", /Fortran order/],
    ["{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }", /\(3,\) of <f4 is 12 bytes, but 8 follow/],
    ["{'descr': '<f4', 'fortran_order': False, 'shape': (9999999999, 9999999999), }", /but 8 follow/],
    ["{'descr': '<f4', 'fortran_order': False, 'shape': (-2,), }", /the header is not/],
    ["{'descr': '<f4', 'fortran_order': False, 'shape': (2.5,), }", /the header is not/],
    ["{'descr': '<f4', 'fortran_order': False}", /the header is not/],
    ["{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,), }", /the header is not/],
    ["{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'more': 1}", /the header is not/],
    ["__import__('os')", /the header is not/],
    ["null", /the header is not/],
  ])("%s is refused", (header, message) => {
    const parse = () => parseNpy(npyFile(1, header, Float32Array.of(1, 2)));
    expect(parse).toThrow(NpyError);
    expect(parse).toThrow(message);
  });
});

function npyFile(version: number, header: string, values: Float32Array): Uint8Array {
  const length = Buffer.alloc(version === 1 ? 2 : 4);
  length.writeUIntLE(header.length, 0, length.length);
  return Buffer.concat([
    Buffer.from(`\x93NUMPY${String.fromCharCode(version)}\x00`, "latin1"),
    length,
    Buffer.from(header),
    Buffer.from(values.buffer),
  ]);
}
