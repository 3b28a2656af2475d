/** What may draw: our kernel on the CPU, to the bit what the server draws, or the GPU, within rounding. */
export type DrawingEngine = "wasm" | "webgpu";

/** auto: whichever is faster, as measured on the model itself. */
export type EngineChoice = "auto" | DrawingEngine;

export const ENGINE_CHOICES: readonly EngineChoice[] = ["auto", "wasm", "webgpu"];
