/**
 * Exact nearest-neighbour search over training rows: a linear scan in WebAssembly SIMD.
 *
 * The rows live in the scan's own WebAssembly memory; whoever loads them writes straight into it. The kernel
 * is kernels/scan.as.ts.
 */

/** The most neighbours that a search returns. */
export const MAX_NEIGHBOURS = 50;

export interface NeighbourScanSpec {
  /** uint8: pixels, value / 255 in model units. float32: the data's own units. */
  readonly dtype: "uint8" | "float32";
  readonly rowCount: number;
  /** Numbers in a row. */
  readonly rowLength: number;
}

export interface Neighbours {
  /** Row numbers, nearest first; of equally near rows the lower number comes first. */
  readonly indices: Uint32Array<ArrayBuffer>;
  /** L2 distances in model units, ascending. */
  readonly distances: Float64Array<ArrayBuffer>;
}

export interface NeighbourScan extends NeighbourScanSpec {
  /** All rows' bytes, one row after the other (float32: little-endian). Fill before the first search. */
  readonly rows: Uint8Array<ArrayBuffer>;
  readonly memoryBytes: number;
  /** One row, sharing memory with `rows`. */
  row(index: number): Uint8Array<ArrayBuffer> | Float32Array<ArrayBuffer>;
  /**
   * The k nearest rows by L2, exactly.
   *
   * @param query   rowLength numbers, as the rows are stored: Uint8Array or Float32Array
   * @param k       1 to 50; fewer are returned where there are fewer rows
   * @param exclude a row to leave out, say the query's own
   * @throws RangeError for a query of another length or type, or k out of range
   */
  search(query: Uint8Array | Float32Array, k: number, exclude?: number): Neighbours;
}

interface ScanKernel {
  scanUint8(
    rows: number,
    rowCount: number,
    rowLength: number,
    query: number,
    tailMask: number,
    exclude: number,
    k: number,
    distances: number,
    indices: number,
  ): number;
  scanFloat32(
    rows: number,
    rowCount: number,
    rowLength: number,
    query: number,
    exclude: number,
    k: number,
    distances: number,
    indices: number,
  ): number;
}

const PAGE_BYTES = 65536;
const VECTOR_BYTES = 16;

/** @param module kernels/build/scan.wasm, compiled */
export function createNeighbourScan(module: WebAssembly.Module, spec: NeighbourScanSpec): NeighbourScan {
  const { dtype, rowCount, rowLength } = spec;
  const isUint8 = dtype === "uint8";
  const rowsBytes = rowCount * rowLength * (isUint8 ? 1 : 4);

  // The kernel reads whole vectors, up to 15 bytes past the last row.
  let memoryEnd = 0;
  const allocate = (bytes: number): number => {
    const start = memoryEnd;
    memoryEnd = roundUp(start + bytes, VECTOR_BYTES);
    return start;
  };
  const distancesAt = allocate(MAX_NEIGHBOURS * 8);
  const indicesAt = allocate(MAX_NEIGHBOURS * 4);
  const tailMaskAt = allocate(VECTOR_BYTES);
  const queryAt = allocate(roundUp(rowLength, VECTOR_BYTES) * (isUint8 ? 2 : 8));
  const rowsAt = allocate(rowsBytes + VECTOR_BYTES);

  const pages = Math.ceil(memoryEnd / PAGE_BYTES);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  const buffer = memory.buffer as ArrayBuffer;
  const kernel = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as ScanKernel;

  const rows = new Uint8Array(buffer, rowsAt, rowsBytes);
  const queryInt16 = new Int16Array(buffer, queryAt, rowLength);
  const queryFloat64 = isUint8 ? null : new Float64Array(buffer, queryAt, rowLength);
  new Uint8Array(buffer, tailMaskAt, rowLength % VECTOR_BYTES).fill(255);

  return {
    dtype,
    rowCount,
    rowLength,
    rows,
    memoryBytes: buffer.byteLength,
    row(index) {
      if (!(Number.isInteger(index) && index >= 0 && index < rowCount)) {
        throw new RangeError(`row: expected 0 to ${rowCount - 1}, got ${index}`);
      }
      return isUint8
        ? rows.subarray(index * rowLength, (index + 1) * rowLength)
        : new Float32Array(buffer, rowsAt + index * rowLength * 4, rowLength);
    },
    search(query, k, exclude = -1) {
      if (!(Number.isInteger(k) && k >= 1 && k <= MAX_NEIGHBOURS)) {
        throw new RangeError(`search: expected k from 1 to ${MAX_NEIGHBOURS}, got ${k}`);
      }
      if (query.length !== rowLength || query instanceof Uint8Array !== isUint8) {
        throw new RangeError(
          `search: expected ${rowLength} ${dtype} numbers, got ${query.length} in a ${query.constructor.name}`,
        );
      }
      let found: number;
      if (queryFloat64) {
        queryFloat64.set(query);
        found = kernel.scanFloat32(rowsAt, rowCount, rowLength, queryAt, exclude, k, distancesAt, indicesAt);
      } else {
        queryInt16.set(query);
        found = kernel.scanUint8(
          rowsAt,
          rowCount,
          rowLength,
          queryAt,
          tailMaskAt,
          exclude,
          k,
          distancesAt,
          indicesAt,
        );
      }
      const unit = isUint8 ? 255 : 1;
      const squared = new Float64Array(buffer, distancesAt, found);
      return {
        indices: new Uint32Array(buffer, indicesAt, found).slice(),
        distances: squared.map((value) => Math.sqrt(value) / unit),
      };
    },
  };
}

function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}
