import { dcgan } from "./dcgan.ts";
import type { Architecture } from "./generator.ts";
import { mlp } from "./mlp.ts";
import { upsampleConv } from "./upsample-conv.ts";

/** Every generator architecture, by the name that a configuration uses. */
export const GENERATORS: Readonly<Record<string, Architecture>> = {
  mlp,
  dcgan,
  "upsample-conv": upsampleConv,
};
