/**
 * What engines say when memory runs out, of the host or of the device: ONNX Runtime's allocators, Dawn (whose
 * buffer is "invalid" then, or bound in too many parts), CUDA's libraries, and V8.
 */
const PHRASES = [
  /out of memory/i,
  /failed to allocate/i,
  /allocation (failed|size too large)/i,
  /bad_alloc/,
  /ALLOC_FAILED/,
  /invalid (typed array|array buffer) length/i,
  /\[Invalid Buffer/,
  /too many storage buffers/i,
  /device (was |is )?lost/i,
];

/** Whether an engine failed because something was too large for its memory. */
export function isOutOfMemory(error: unknown): boolean {
  return error instanceof Error && PHRASES.some((phrase) => phrase.test(error.message));
}
