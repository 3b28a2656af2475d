import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { ScanKernels } from "../../shared/training-scan.ts";

/**
 * Compiles one of `kernels/*.as.ts`, which `npm run build` turned into WebAssembly.
 *
 * @throws Error if it has not been built
 */
export function kernelModule(name: string): WebAssembly.Module {
  const path = fileURLToPath(new URL(`../../kernels/build/${name}.wasm`, import.meta.url));
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = readFileSync(path);
  } catch {
    throw new Error(`kernel "${name}": ${path} is missing. Run \`npm run build\`.`);
  }
  return new WebAssembly.Module(bytes);
}

/** Instantiates a kernel on the given memory. */
export function loadKernel<Exports>(name: string, memory: WebAssembly.Memory): Exports {
  const imports = {
    env: {
      memory,
      abort: () => {
        throw new Error(`kernel "${name}" aborted`);
      },
    },
  };
  return new WebAssembly.Instance(kernelModule(name), imports).exports as Exports;
}

/** What searches over training rows run. */
export function scanKernels(): ScanKernels {
  return {
    scan: kernelModule("scan"),
    pooled: kernelModule("pooled"),
    principal: kernelModule("principal"),
    align: kernelModule("align"),
  };
}
