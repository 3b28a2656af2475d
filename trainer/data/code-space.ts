import type { Rows } from "./dataset.ts";
import { affineSpace, type ModelSpace } from "./model-space.ts";

/** Codes have mean 0 in every dimension and one scale for all, so that distances keep their proportions. */
export function codeSpaceOf({ values, length, count }: Rows): ModelSpace {
  const shift = new Float64Array(length);
  for (let i = 0; i < values.length; i++) shift[i % length]! += values[i]! / count;
  let variance = 0;
  for (let i = 0; i < values.length; i++) variance += (values[i]! - shift[i % length]!) ** 2 / values.length;
  return affineSpace({ shift, scale: new Float64Array(length).fill(Math.sqrt(variance) || 1) });
}
