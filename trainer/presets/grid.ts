import type { Preset } from "./index.ts";
import { ring } from "./ring.ts";

/** Twenty-five narrow Gaussians on a square grid: as `ring`, with more modes to tell apart. */
export const grid: Preset = { ...ring, data: { name: "grid" } };
