/** Where an example falls among held-out data: a histogram of their test statistics, and a mark. */

import { CLOSE_BELOW, NULL_FACTORS } from "../../shared/verdict.ts";
import { svg } from "./dom.ts";
import { percent, short } from "./numbers.ts";
import type { Check } from "./service.ts";

const WIDTH = 340;
const HEIGHT = 96;
const FLOOR = HEIGHT - 18;
const TOP = 18;
const BINS = 48;

/** @param heldOut the held-out examples' statistics, ascending */
export function plotAmongHeldOut(heldOut: Float32Array, { ratio, pValue, calibration }: Check): SVGElement {
  const low = Math.min(heldOut[0]!, ratio);
  const high = Math.max(heldOut.at(-1)!, ratio, low + 1e-6);
  const toX = (value: number) => ((value - low) / (high - low)) * (WIDTH - 12) + 6;
  const counts = new Array<number>(BINS).fill(0);
  for (const value of heldOut) {
    counts[Math.min(Math.floor(((value - low) / (high - low)) * BINS), BINS - 1)]!++;
  }
  const most = Math.max(...counts);
  const binWidth = (WIDTH - 12) / BINS;
  /** Below which statistic a p-value is smaller than this. */
  const quantile = (share: number) =>
    heldOut[Math.max(Math.floor((share / NULL_FACTORS[calibration.method]) * (heldOut.length + 1)) - 1, 0)]!;
  const copyBelow = quantile(calibration.alpha);
  const closeBelow = quantile(CLOSE_BELOW);

  const bars = counts.map((count, bin) => {
    const height = (count / most) * (FLOOR - TOP);
    const middle = low + ((bin + 0.5) / BINS) * (high - low);
    const kind = middle < copyBelow ? "copy" : middle < closeBelow ? "close" : "novel";
    return svg("rect", {
      x: 6 + bin * binWidth,
      y: FLOOR - height,
      width: binWidth - 1,
      height,
      class: kind,
    });
  });
  const x = toX(ratio);
  const anchor = x < WIDTH / 3 ? "start" : x > (2 * WIDTH) / 3 ? "end" : "middle";
  return svg(
    "svg",
    {
      viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
      class: "among",
      role: "img",
      "aria-label":
        `Where it falls among ${heldOut.length} real examples: ${percent(pValue)} of them come as near to a ` +
        `training example. Its ratio is ${short(ratio)}; theirs run from ${short(heldOut[0]!)} to ${short(heldOut.at(-1)!)}.`,
    },
    ...bars,
    svg("line", { x1: 0, x2: WIDTH, y1: FLOOR + 0.5, y2: FLOOR + 0.5, class: "floor" }),
    svg("line", { x1: x, x2: x, y1: TOP - 4, y2: FLOOR, class: "mark" }),
    svg("text", { x, y: 11, "text-anchor": anchor, class: "mark" }, `this: ${short(ratio)}`),
    svg("text", { x: 6, y: HEIGHT - 4, "text-anchor": "start" }, "◂ nearer to one example"),
    svg("text", { x: WIDTH - 6, y: HEIGHT - 4, "text-anchor": "end" }, "no nearer than to others ▸"),
  );
}
