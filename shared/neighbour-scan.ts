/** What a search over training rows is; training-scan.ts chooses one. */

/** The most neighbours that a search returns. */
export const MAX_NEIGHBOURS = 50;

export interface NeighbourScanSpec {
  /** uint8: pixels, value / 255 in model units. float32: the data's own units. */
  readonly dtype: "uint8" | "float32";
  readonly rowCount: number;
  /** Of a row: [height, width, channels] for images, [length] for vectors. */
  readonly shape: readonly number[];
}

export interface Neighbours {
  /** Row numbers, nearest first; of equally near rows the lower number comes first. */
  readonly indices: Uint32Array<ArrayBuffer>;
  /** L2 distances in model units, ascending. */
  readonly distances: Float64Array<ArrayBuffer>;
}

/** A training row, as it is stored. */
export type Row = Uint8Array<ArrayBuffer> | Float32Array<ArrayBuffer>;

/** A search over training rows, wherever they lie. */
export interface NeighbourSearch {
  readonly dtype: "uint8" | "float32";
  readonly rowCount: number;
  /** Numbers in a row. */
  readonly rowLength: number;
  readonly memoryBytes: number;
  /** Of how many nearest rows `alignedDistances` tells; 0: none, as rows are no images, or too small or too large. */
  readonly alignedNeighbourhood: number;
  row(index: number): Row | Promise<Row>;
  /**
   * What answers for one query: all rows where they are in memory, else those that may be near to it, read from where
   * they lie.
   *
   * @param k       how many nearest rows it will be asked for, at most
   * @param exclude a row to leave out, say the query's own
   * @throws RangeError for a query of another length or type, or k out of range
   */
  around(query: Row, k: number, exclude?: number): NearbyRows | Promise<NearbyRows>;
}

export interface NearbyRows {
  /**
   * The k nearest rows by L2, with exact distances.
   *
   * @param query   as many numbers as a row has, as the rows are stored: Uint8Array or Float32Array
   * @param k       1 to 50; fewer are returned where there are fewer rows
   * @param exclude a row to leave out, say the query's own
   * @throws RangeError for a query of another length or type, or k out of range
   */
  search(query: Uint8Array | Float32Array, k: number, exclude?: number): Neighbours;
  /**
   * Aligned distances (aligned-distance.ts) of the rows that look most like the query, ascending; identical rows
   * count once. Null where the search has no `alignedNeighbourhood`.
   */
  readonly alignedDistances:
    | ((query: Uint8Array | Float32Array, exclude?: number) => Float64Array<ArrayBuffer>)
    | null;
}

/** A search over rows that are in memory. It finds the nearest ones for certain. */
export interface NeighbourScan extends NeighbourSearch, NearbyRows {
  /** All rows' bytes, one row after the other (float32: little-endian). Fill before the first search. */
  readonly rows: Uint8Array<ArrayBuffer>;
  /** Call after filling `rows` anew. */
  rowsChanged(): void;
  /** One row, sharing memory with `rows`. */
  row(index: number): Row;
  around(): NearbyRows;
}

/** @throws RangeError if `search` can't take these */
export function checkSearch(
  { dtype, rowLength }: Pick<NeighbourSearch, "dtype" | "rowLength">,
  query: Uint8Array | Float32Array,
  k: number,
): void {
  if (!(Number.isInteger(k) && k >= 1 && k <= MAX_NEIGHBOURS)) {
    throw new RangeError(`search: expected k from 1 to ${MAX_NEIGHBOURS}, got ${k}`);
  }
  if (query.length !== rowLength || query instanceof Uint8Array !== (dtype === "uint8")) {
    throw new RangeError(
      `search: expected ${rowLength} ${dtype} numbers, got ${query.length} in a ${query.constructor.name}`,
    );
  }
}

/** @throws RangeError if there is no such row */
export function checkRow({ rowCount }: Pick<NeighbourSearch, "rowCount">, index: number): void {
  if (!(Number.isInteger(index) && index >= 0 && index < rowCount)) {
    throw new RangeError(`row: expected 0 to ${rowCount - 1}, got ${index}`);
  }
}
