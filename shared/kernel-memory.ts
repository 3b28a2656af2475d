/** A WebAssembly memory laid out before it is made, so that it is as large as what it holds. */

const PAGE_BYTES = 65536;
const VECTOR_BYTES = 16;

export interface MemoryLayout {
  /** Room for so many bytes, at the offset that is returned: a multiple of 16. */
  allocate(bytes: number): number;
  /** Call once everything is allocated. */
  create(): WebAssembly.Memory;
}

export function layOutMemory(): MemoryLayout {
  let end = 0;
  return {
    allocate(bytes) {
      const start = end;
      end = wholeVectors(start + bytes);
      return start;
    },
    create() {
      const pages = Math.ceil(end / PAGE_BYTES);
      return new WebAssembly.Memory({ initial: pages, maximum: pages });
    },
  };
}

/** A kernel on the given memory. */
export function instantiate<Exports>(module: WebAssembly.Module, memory: WebAssembly.Memory): Exports {
  return new WebAssembly.Instance(module, { env: { memory } }).exports as Exports;
}

/** Rounded up to whole vectors of 16. */
export function wholeVectors(count: number): number {
  return Math.ceil(count / VECTOR_BYTES) * VECTOR_BYTES;
}
