/**
 * Exact search in few dimensions by a k-d tree (Bentley 1975, "Multidimensional binary search trees used for
 * associative searching"; cut at the median of the widest side, as Friedman, Bentley, Finkel 1977). A tree of 10,000
 * points is built in milliseconds, and a query looks at some dozens of them.
 */

import type { PointSource, Searcher } from "./searcher.ts";

const TILE_ROWS = 4096;
const LEAF_ROWS = 12;

export const tree: Searcher = {
  name: "tree",
  distances: ["l2"],
  exact: true,
  prepare(_engine, { length, memoryBytes }) {
    // Points, their numbers, the copy that they are ordered into, and the cuts.
    const partRows = Math.max(16, Math.floor(memoryBytes / (8 * length + 12)));
    return {
      async nearest(queries, points) {
        const indices = new Int32Array(queries.length / length);
        const best = new Float64Array(indices.length).fill(Number.POSITIVE_INFINITY);
        for (let first = 0; first < points.count; first += partRows) {
          const rows = Math.min(partRows, points.count - first);
          const search = grow(await readRows(points, first, rows, length), length);
          for (let i = 0; i < indices.length; i++) {
            const row = search(queries, i * length, best[i]!);
            if (row.index >= 0) [best[i], indices[i]] = [row.distance, first + row.index];
          }
        }
        return { indices };
      },
      async dispose() {},
    };
  },
};

async function readRows(
  points: PointSource,
  first: number,
  count: number,
  length: number,
): Promise<Float32Array> {
  const values = new Float32Array(count * length);
  for (let row = 0; row < count; row += TILE_ROWS) {
    const rows = Math.min(TILE_ROWS, count - row);
    values.set((await points.tile(first + row, rows)).subarray(0, rows * length), row * length);
  }
  return values;
}

/** The nearest point nearer than what was asked, or index −1; the same object at every call. */
interface Nearest {
  index: number;
  /** Squared. */
  distance: number;
}

/**
 * @param values [n, length], n ≥ 1
 * @returns a search for the point nearest to the numbers of `queries` from `at` on, if nearer than `limit`, squared
 */
function grow(
  values: Float32Array,
  length: number,
): (queries: Float32Array, at: number, limit: number) => Nearest {
  const count = values.length / length;
  const depth = Math.max(0, Math.ceil(Math.log2(count / LEAF_ROWS)));
  const rows = Int32Array.from({ length: count }, (_, row) => row);
  // Node k has the children 2k and 2k + 1, and halves its rows.
  const cutAxis = new Uint16Array(2 ** depth);
  const cutValue = new Float32Array(2 ** depth);
  cut(1, 0, count);
  const ordered = new Float32Array(values.length);
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < length; j++) ordered[i * length + j] = values[rows[i]! * length + j]!;
  }

  function cut(node: number, first: number, end: number): void {
    if (node >= cutAxis.length) return;
    const axis = widestAxis(values, length, rows, first, end);
    const middle = (first + end) >> 1;
    select(values, length, axis, rows, first, end, middle);
    cutAxis[node] = axis;
    cutValue[node] = values[rows[middle]! * length + axis]!;
    cut(2 * node, first, middle);
    cut(2 * node + 1, middle, end);
  }

  const found: Nearest = { index: -1, distance: 0 };
  let query = values;
  let at = 0;

  function visit(node: number, first: number, end: number): void {
    if (node >= cutAxis.length) {
      for (let i = first; i < end; i++) {
        let distance = 0;
        for (let j = 0; j < length; j++) {
          const difference = ordered[i * length + j]! - query[at + j]!;
          distance += difference * difference;
        }
        const row = rows[i]!;
        // Among equal ones the first; none of a part before, which had lower numbers.
        if (distance < found.distance || (distance === found.distance && row < found.index)) {
          found.distance = distance;
          found.index = row;
        }
      }
      return;
    }
    const middle = (first + end) >> 1;
    const beyond = query[at + cutAxis[node]!]! - cutValue[node]!;
    if (beyond < 0) visit(2 * node, first, middle);
    else visit(2 * node + 1, middle, end);
    // Written so that what isn't a number is looked for everywhere.
    if (beyond * beyond > found.distance) return;
    if (beyond < 0) visit(2 * node + 1, middle, end);
    else visit(2 * node, first, middle);
  }

  return (queries, start, limit) => {
    query = queries;
    at = start;
    found.index = -1;
    found.distance = limit;
    visit(1, 0, count);
    return found;
  };
}

/** The axis along which these rows reach furthest. */
function widestAxis(
  values: Float32Array,
  length: number,
  rows: Int32Array,
  first: number,
  end: number,
): number {
  let widest = 0;
  let width = -1;
  for (let axis = 0; axis < length; axis++) {
    let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (let i = first; i < end; i++) {
      const value = values[rows[i]! * length + axis]!;
      if (value < low) low = value;
      if (value > high) high = value;
    }
    if (high - low > width) [widest, width] = [axis, high - low];
  }
  return widest;
}

/** Orders rows first … end − 1 so that those before `middle` are no larger along `axis`, and those after no smaller. */
function select(
  values: Float32Array,
  length: number,
  axis: number,
  rows: Int32Array,
  first: number,
  end: number,
  middle: number,
): void {
  let [low, high] = [first, end - 1];
  while (low < high) {
    const pivot = values[rows[(low + high) >> 1]! * length + axis]!;
    let [i, j] = [low, high];
    while (i <= j) {
      while (values[rows[i]! * length + axis]! < pivot) i++;
      while (values[rows[j]! * length + axis]! > pivot) j--;
      if (i > j) break;
      const row = rows[i]!;
      rows[i++] = rows[j]!;
      rows[j--] = row;
    }
    if (middle <= j) high = j;
    else if (middle >= i) low = i;
    else return;
  }
}
