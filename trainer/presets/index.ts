import type { PartialConfig } from "../config.ts";
import { cifar10 } from "./cifar10.ts";
import { glyphs } from "./glyphs.ts";
import { grid } from "./grid.ts";
import { images } from "./images.ts";
import { mixture1d } from "./mixture1d.ts";
import { mnist } from "./mnist.ts";
import { mnistConv } from "./mnist-conv.ts";
import { mnistImle } from "./mnist-imle.ts";
import { ring } from "./ring.ts";
import { table } from "./table.ts";

/** A configuration's differences from the defaults. */
export type Preset = Omit<PartialConfig, "preset">;

/** Every preset, by the name that `--preset` takes. */
export const PRESETS: Readonly<Record<string, Preset>> = {
  glyphs,
  ring,
  grid,
  mixture1d,
  mnist,
  "mnist-imle": mnistImle,
  "mnist-conv": mnistConv,
  cifar10,
  images,
  table,
};
