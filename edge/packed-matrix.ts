/** Matrices as our kernel reads them. */

import type { WeightType } from "../shared/manifest.ts";

/** Columns that the kernel computes together. */
export const PANEL = 32;

/** Rows that it takes at a time: of one panel they are 8 KiB. */
export const BLOCK = { float32: 64, int8: 256 } as const;

/** What the list of a row's inputs in a block takes: 8 bytes an input, of int8 a pair of them. */
export const LIST_BYTES = 1024;

/** Reserves so many bytes of the kernel's memory and returns where they are. */
export type Allocate = (bytes: number) => number;

/** The kernel's memory. */
export interface KernelViews {
  readonly float32: Float32Array;
  readonly int8: Int8Array;
}

/**
 * For each block of rows, for each panel of columns, its numbers: of float32 row by row, of int8 in pairs of rows, the
 * two numbers of a column side by side. What fills up the last panel, and the last row's partner, is 0.
 */
export interface PackedMatrix {
  readonly dtype: "float32" | "int8";
  readonly rows: number;
  readonly columns: number;
  readonly panels: number;
  readonly at: number;
  /** What a stored 1 stands for in every column, [PANEL × panels] float32; null: itself. */
  readonly scalesAt: number | null;
}

/**
 * @param stored what its numbers are stored as in the bundle
 * @param dtype  what they are computed with; halves become float32
 */
export function placeMatrix(
  rows: number,
  columns: number,
  stored: WeightType,
  dtype: PackedMatrix["dtype"],
  allocate: Allocate,
): PackedMatrix {
  const panels = Math.ceil(columns / PANEL);
  const width = panels * PANEL;
  const at = allocate(dtype === "int8" ? 2 * Math.ceil(rows / 2) * width : rows * width * 4);
  return { dtype, rows, columns, panels, at, scalesAt: stored === "int8" ? allocate(width * 4) : null };
}

/** Where an entry of the matrix is, in its view. Up to the next multiple of PANEL its row goes on `stepOf` further. */
export function entryOf({ dtype, rows, panels, at }: PackedMatrix, row: number, column: number): number {
  const inBlock = row % BLOCK[dtype];
  const first = row - inBlock;
  const depth = Math.min(BLOCK[dtype], rows - first);
  const inPanel = column % PANEL;
  const panel = (column - inPanel) / PANEL;
  if (dtype === "float32") return at / 4 + (first * panels + panel * depth + inBlock) * PANEL + inPanel;
  const even = inBlock % 2;
  const evenDepth = depth + (depth % 2);
  return at + (first * panels + panel * evenDepth + inBlock - even) * PANEL + 2 * inPanel + even;
}

/** From one entry of a row to the next in the same panel. */
export function stepOf({ dtype }: PackedMatrix): number {
  return dtype === "int8" ? 2 : 1;
}

/** What a product with the matrix takes for one row: float32, or sums in as many bytes. */
export function productBytes({ panels }: PackedMatrix): number {
  return panels * PANEL * 4;
}

/** What the largest input of an int8 matrix becomes: no sum of as many products as it has rows leaves 32 bits. */
export function mostOf({ rows }: PackedMatrix): number {
  return Math.min(2 ** 15 - 1, Math.floor((2 ** 31 - 1) / (127 * rows)));
}
