import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MAX_NEIGHBOURS } from "../shared/neighbour-scan.ts";
import { createPlainScan } from "../shared/plain-scan.ts";
import { createRandom } from "../shared/random.ts";
import { kernelModule } from "../trainer/engine/kernels.ts";

const module = kernelModule("scan");

interface Table {
  readonly dtype: "uint8" | "float32";
  readonly rowCount: number;
  readonly rowLength: number;
}

function scanOf({ dtype, rowCount, rowLength }: Table, values: Uint8Array | Float32Array) {
  const scan = createPlainScan(module, { dtype, rowCount, shape: [rowLength] });
  scan.rows.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  return scan;
}

/** Squared distances summed in plain JavaScript, sorted by distance, then by row. */
function bruteForce(
  values: ArrayLike<number>,
  rowLength: number,
  query: ArrayLike<number>,
  k: number,
  exclude: number,
) {
  const rows = Array.from({ length: values.length / rowLength }, (_, index) => {
    let squared = 0;
    for (let i = 0; i < rowLength; i++) squared += (values[index * rowLength + i]! - query[i]!) ** 2;
    return { index, squared };
  });
  return rows
    .filter(({ index }) => index !== exclude)
    .sort((a, b) => a.squared - b.squared || a.index - b.index)
    .slice(0, k);
}

const rowLengths = fc.oneof(
  fc.integer({ min: 1, max: 40 }),
  fc.constantFrom(191, 192, 193, 207, 208, 400, 784),
);
const searches = fc.record({
  rowLength: rowLengths,
  rowCount: fc.integer({ min: 1, max: 90 }),
  k: fc.integer({ min: 1, max: MAX_NEIGHBOURS }),
  seed: fc.nat(),
  excluded: fc.boolean(),
});

describe("uint8 rows", () => {
  test("equal a brute-force search exactly, ties to the lower row, for any row length and k", () => {
    // Few different values make many ties; all of them make large sums.
    fc.assert(
      fc.property(searches, fc.constantFrom(2, 256), ({ rowLength, rowCount, k, seed, excluded }, levels) => {
        const random = createRandom(seed);
        const draw = () => Math.floor((random.below(levels) * 255) / (levels - 1));
        const values = Uint8Array.from({ length: rowCount * rowLength }, draw);
        const query = Uint8Array.from({ length: rowLength }, draw);
        const exclude = excluded ? random.below(rowCount) : -1;
        const found = scanOf({ dtype: "uint8", rowCount, rowLength }, values).search(query, k, exclude);
        const expected = bruteForce(values, rowLength, query, k, exclude);
        expect(Array.from(found.indices)).toEqual(expected.map(({ index }) => index));
        expect(Array.from(found.distances)).toEqual(expected.map(({ squared }) => Math.sqrt(squared) / 255));
      }),
    );
  });

  test("the largest differences of long rows do not overflow", () => {
    const rowLength = 200_000; // 200,000 × 255² is more than 2^32
    const scan = scanOf({ dtype: "uint8", rowCount: 2, rowLength }, new Uint8Array(2 * rowLength).fill(255));
    const { distances } = scan.search(new Uint8Array(rowLength), 2);
    expect(Array.from(distances)).toEqual([Math.sqrt(rowLength), Math.sqrt(rowLength)]);
  });

  test("a search leaves nothing behind that changes the next", () => {
    const random = createRandom(3);
    const draw = (length: number) => Uint8Array.from({ length }, () => random.below(256));
    const scan = scanOf({ dtype: "uint8", rowCount: 60, rowLength: 21 }, draw(60 * 21));
    const query = draw(21);
    const before = scan.search(query, 7);
    scan.search(draw(21), 50);
    expect(scan.search(query, 7)).toEqual(before);
  });
});

describe("float32 rows", () => {
  test("equal a brute-force search, for any row length and k", () => {
    fc.assert(
      fc.property(searches, ({ rowLength, rowCount, k, seed, excluded }) => {
        const random = createRandom(seed);
        const values = random.fillNormal(new Float32Array(rowCount * rowLength));
        const query = random.fillNormal(new Float32Array(rowLength));
        const exclude = excluded ? random.below(rowCount) : -1;
        const found = scanOf({ dtype: "float32", rowCount, rowLength }, values).search(query, k, exclude);
        const expected = bruteForce(values, rowLength, query, k, exclude);
        expect(Array.from(found.indices)).toEqual(expected.map(({ index }) => index));
        expected.forEach(({ squared }, i) => {
          // The kernel adds the same float64 squares in another order.
          expect(found.distances[i]).toBeCloseTo(Math.sqrt(squared), 12);
        });
      }),
    );
  });

  test("ties go to the lower row", () => {
    const values = Float32Array.from([5, 1, -1, 1, 3, -1]);
    const found = scanOf({ dtype: "float32", rowCount: 6, rowLength: 1 }, values).search(
      new Float32Array(1),
      6,
    );
    expect(Array.from(found.indices)).toEqual([1, 2, 3, 5, 4, 0]);
  });
});

describe("what can't be searched", () => {
  const scan = createPlainScan(module, { dtype: "uint8", rowCount: 3, shape: [4] });

  test("is refused with what was expected", () => {
    expect(() => scan.search(new Uint8Array(5), 1)).toThrow("expected 4 uint8 numbers, got 5");
    expect(() => scan.search(new Float32Array(4), 1)).toThrow("got 4 in a Float32Array");
    expect(() => scan.search(new Uint8Array(4), 0)).toThrow("expected k from 1 to 50, got 0");
    expect(() => scan.search(new Uint8Array(4), 51)).toThrow("got 51");
    expect(() => scan.row(3)).toThrow("expected 0 to 2, got 3");
  });

  test("with every row left out, nothing is found", () => {
    const one = createPlainScan(module, { dtype: "uint8", rowCount: 1, shape: [4] });
    expect(one.search(new Uint8Array(4), 5, 0).indices).toHaveLength(0);
  });
});

test("60,000 × 784 bytes take little more memory than they are", () => {
  const scan = createPlainScan(module, { dtype: "uint8", rowCount: 60_000, shape: [784] });
  expect(scan.memoryBytes).toBeLessThan(60_000 * 784 + 2 ** 17);
});
