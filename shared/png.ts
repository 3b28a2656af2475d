import { encode } from "fast-png";
import type { Image } from "./image-grid.ts";

/** An 8-bit grey or RGB PNG; the same image gives the same bytes on every host. */
export function encodePng(image: Image): Uint8Array<ArrayBuffer> {
  return encode({ ...image, depth: 8 }) as Uint8Array<ArrayBuffer>;
}
