import decode, { init } from "@jsquash/jpeg/decode.js";
import type { DecodedImage } from "./png-image.ts";

export type DecodeJpeg = (bytes: Uint8Array<ArrayBuffer>) => Promise<DecodedImage>;

/** The published type knows no module to start from. */
const start = init as (
  module: WebAssembly.Module,
  options: { printErr(line: string): void },
) => Promise<void>;

/** @param module @jsquash/jpeg/codec/dec/mozjpeg_dec.wasm, compiled */
export function createJpegDecoder(module: WebAssembly.Module): DecodeJpeg {
  let ready: Promise<void> | null = null;
  return async (bytes) => {
    await (ready ??= start(module, { printErr() {} }));
    try {
      const { width, height, data } = await decode(bytes.slice().buffer);
      return { width, height, channels: 4, data: new Uint8Array(data) };
    } catch (error) {
      ready = null; // a decoder that failed half-way may not be in order
      throw error;
    }
  };
}
