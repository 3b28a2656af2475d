/** Which search training rows of a kind are given. */

import { createImageScan } from "./image-scan.ts";
import type { NeighbourScan, NeighbourScanSpec } from "./neighbour-scan.ts";
import { createPlainScan } from "./plain-scan.ts";
import { isPoolable } from "./pooled-rows.ts";

/** kernels/build/scan.wasm, pooled.wasm, principal.wasm and align.wasm, compiled. */
export interface ScanKernels {
  readonly scan: WebAssembly.Module;
  readonly pooled: WebAssembly.Module;
  readonly principal: WebAssembly.Module;
  readonly align: WebAssembly.Module;
}

export function createTrainingScan(kernels: ScanKernels, spec: NeighbourScanSpec): NeighbourScan {
  return isPoolable(spec) ? createImageScan(kernels, spec) : createPlainScan(kernels.scan, spec);
}
