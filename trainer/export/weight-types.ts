/** What a bundle's kernels can be stored as, and what the stored numbers stand for. */

import { fromFloat16, toFloat16 } from "../../shared/float16.ts";
import type { WeightType } from "../../shared/manifest.ts";
import { type Shape, sizeOf } from "../autodiff/tensor.ts";

export interface StoredKernel {
  /** As the edge reads them. */
  readonly numbers: Float32Array | Uint16Array | Int8Array;
  /** What the numbers of a unit or filter are multiplied by; null: nothing. */
  readonly scales: Float32Array | null;
  /** What they stand for. */
  readonly values: Float32Array<ArrayBuffer>;
}

/** @param unitAxis which axis of the shape counts the units or filters */
type StoreKernel = (values: Float32Array<ArrayBuffer>, shape: Shape, unitAxis: number) => StoredKernel;

/** From small to large. */
export const WEIGHT_TYPES: Readonly<Record<WeightType, StoreKernel>> = {
  /**
   * A unit's largest weight becomes ±127, so that 0 stays 0. One scale for a whole layer instead makes the error 1.6
   * times as large (`glyphs`: 0.77 grey levels rather than 0.43, root mean square).
   */
  int8(values, shape, unitAxis) {
    const units = shape[unitAxis]!;
    const inner = sizeOf(shape.slice(unitAxis + 1));
    const unitOf = (i: number) => Math.floor(i / inner) % units;
    const scales = new Float32Array(units);
    for (let i = 0; i < values.length; i++) {
      const unit = unitOf(i);
      scales[unit] = Math.max(scales[unit]!, Math.abs(values[i]!) / 127);
    }
    // A scale that became less when it was rounded to float32 would take the largest beyond 127.
    const numbers = Int8Array.from(values, (value, i) => {
      const scale = scales[unitOf(i)]!;
      return scale > 0 ? Math.max(-127, Math.min(127, Math.round(value / scale))) : 0;
    });
    return { numbers, scales, values: values.map((_, i) => numbers[i]! * scales[unitOf(i)]!) };
  },
  float16(values) {
    const numbers = Uint16Array.from(values, toFloat16);
    const standFor = new Float32Array(values.length);
    fromFloat16(numbers, standFor);
    return { numbers, scales: null, values: standFor };
  },
  float32: (values) => ({ numbers: values, scales: null, values }),
};
