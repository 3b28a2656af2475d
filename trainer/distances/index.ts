import type { Distance } from "./distance.ts";
import { squaredL2 } from "./squared-l2.ts";

/** Every distance, by the name that a configuration uses. */
export const DISTANCES: Readonly<Record<string, Distance>> = { l2: squaredL2 };
