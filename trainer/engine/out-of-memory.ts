/**
 * What engines say when memory runs out, of the host or of the device: ONNX Runtime's allocators (which count in
 * 32 bits on WebGPU), Dawn (whose buffer is "invalid" then, larger than a device takes, or bound in too many parts),
 * CUDA's libraries, and V8.
 */
const PHRASES = [
  /out of memory/i,
  /failed to allocate/i,
  /allocation (failed|size too large)/i,
  /bad_alloc/,
  /ALLOC_FAILED/,
  /invalid (typed array|array buffer) length/i,
  /OUT_OF_(DEVICE_|HOST_)?MEMORY/,
  /\[Invalid Buffer/,
  /exceeds the max(imum)? (buffer|storage buffer binding) size/i,
  /narrowing_error/,
  /too many storage buffers/i,
  /device (was |is )?lost/i,
];

/** Whether an engine failed because something was too large for its memory. */
export function isOutOfMemory(error: unknown): boolean {
  return error instanceof Error && PHRASES.some((phrase) => phrase.test(error.message));
}
