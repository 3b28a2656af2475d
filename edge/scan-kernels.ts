/** What `/nearest` searches with, compiled: for Workers, which import WebAssembly as modules. */

import align from "../kernels/build/align.wasm";
import pooled from "../kernels/build/pooled.wasm";
import principal from "../kernels/build/principal.wasm";
import scan from "../kernels/build/scan.wasm";
import type { ScanKernels } from "../shared/training-scan.ts";

export const SCAN_KERNELS: ScanKernels = { scan, pooled, principal, align };
