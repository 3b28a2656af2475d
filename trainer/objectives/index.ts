import { adaptiveImle } from "./adaptive-imle.ts";
import { conditionalImle } from "./conditional-imle.ts";
import { gan } from "./gan.ts";
import { gaussian } from "./gaussian/gaussian.ts";
import { gaussianMixture } from "./gaussian/gaussian-mixture.ts";
import { localGaussians } from "./gaussian/local-gaussians.ts";
import { glann } from "./glann.ts";
import { imle } from "./imle.ts";
import type { Objective } from "./objective.ts";
import { reverse } from "./reverse.ts";
import { rsImle } from "./rs-imle.ts";
import { vae } from "./vae.ts";

/** Objectives of one stage, which may also learn `glann`'s map: by the names that `objective.mapObjective` takes. */
export const MAP_OBJECTIVES: Readonly<Record<string, Objective>> = {
  imle,
  "adaptive-imle": adaptiveImle,
  "rs-imle": rsImle,
  reverse,
  gan,
  vae,
  gaussian,
  "gaussian-mixture": gaussianMixture,
  "local-gaussians": localGaussians,
};

/** Every objective, by the name that `--objective` takes. */
export const OBJECTIVES: Readonly<Record<string, Objective>> = {
  ...MAP_OBJECTIVES,
  "conditional-imle": conditionalImle,
  glann: glann(MAP_OBJECTIVES),
};
