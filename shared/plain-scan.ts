/**
 * A linear scan: whole rows, one after the other. Rows of any kind, and what faster searches are tested against.
 *
 * The rows live in the scan's own WebAssembly memory; whoever loads them writes straight into it. The kernel
 * is kernels/scan.as.ts.
 */

import { instantiate, layOutMemory, wholeVectors } from "./kernel-memory.ts";
import {
  checkRow,
  checkSearch,
  MAX_NEIGHBOURS,
  type NeighbourScan,
  type NeighbourScanSpec,
} from "./neighbour-scan.ts";

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

const VECTOR_BYTES = 16;

/** @param module kernels/build/scan.wasm, compiled */
export function createPlainScan(module: WebAssembly.Module, spec: NeighbourScanSpec): NeighbourScan {
  const { dtype, rowCount, shape } = spec;
  const rowLength = shape.reduce((product, size) => product * size, 1);
  const isUint8 = dtype === "uint8";
  const rowsBytes = rowCount * rowLength * (isUint8 ? 1 : 4);

  const { allocate, create } = layOutMemory();
  const distancesAt = allocate(MAX_NEIGHBOURS * 8);
  const indicesAt = allocate(MAX_NEIGHBOURS * 4);
  const tailMaskAt = allocate(VECTOR_BYTES);
  const queryAt = allocate(wholeVectors(rowLength) * (isUint8 ? 2 : 8));
  // The kernel reads whole vectors, up to 15 bytes past the last row.
  const rowsAt = allocate(rowsBytes + VECTOR_BYTES);

  const memory = create();
  const buffer = memory.buffer as ArrayBuffer;
  const kernel = instantiate<ScanKernel>(module, memory);

  const rows = new Uint8Array(buffer, rowsAt, rowsBytes);
  const queryInt16 = new Int16Array(buffer, queryAt, rowLength);
  const queryFloat64 = isUint8 ? null : new Float64Array(buffer, queryAt, rowLength);
  new Uint8Array(buffer, tailMaskAt, rowLength % VECTOR_BYTES).fill(255);

  const scan: NeighbourScan = {
    dtype,
    rowCount,
    rowLength,
    rows,
    memoryBytes: buffer.byteLength,
    alignedNeighbourhood: 0,
    around: () => scan,
    rowsChanged() {},
    row(index) {
      checkRow(scan, index);
      return isUint8
        ? rows.subarray(index * rowLength, (index + 1) * rowLength)
        : new Float32Array(buffer, rowsAt + index * rowLength * 4, rowLength);
    },
    search(query, k, exclude = -1) {
      checkSearch(scan, query, k);
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
    alignedDistances: null,
  };
  return scan;
}
