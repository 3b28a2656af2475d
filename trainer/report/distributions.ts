/** How numbers are distributed: histograms over each other, points in the plane. */

import type { TopLevelSpec } from "vega-lite";
import { COLOURS, CONFIG, SIZE } from "./chart-style.ts";
import { type Chart, number, percentage } from "./html.ts";
import { svgOf } from "./svg.ts";

/** Two distributions as outlines of their histograms, in shares of each. */
export async function histograms(options: {
  readonly title: string;
  readonly xTitle: string;
  readonly caption: string;
  readonly of: Readonly<Record<string, ArrayLike<number>>>;
  readonly from: number;
  readonly to: number;
  readonly bins: number;
}): Promise<Chart> {
  const { title, xTitle, caption, from, to, bins } = options;
  const width = (to - from) / bins || 1;
  const names = Object.keys(options.of);
  const shares = Object.values(options.of).map((numbers) => {
    const counts = new Array<number>(bins).fill(0);
    for (const value of Array.from(numbers)) {
      counts[Math.min(bins - 1, Math.max(0, Math.floor((value - from) / width)))]!++;
    }
    return counts.map((count) => count / numbers.length);
  });
  const values = names.flatMap((name, series) =>
    Array.from({ length: bins + 1 }, (_, bin) => ({
      name,
      x: from + bin * width,
      y: shares[series]![Math.min(bin, bins - 1)],
    })),
  );
  const spec: TopLevelSpec = {
    ...SIZE,
    config: CONFIG,
    data: { values },
    mark: { type: "line", interpolate: "step-after", strokeWidth: 2 },
    encoding: {
      x: { field: "x", type: "quantitative", title: xTitle, scale: { domain: [from, to], nice: false } },
      y: { field: "y", type: "quantitative", title: "share", axis: { format: "%", tickCount: 5 } },
      color: { field: "name", type: "nominal", scale: { domain: names, range: [...COLOURS] } },
      strokeDash: {
        field: "name",
        type: "nominal",
        scale: {
          domain: names,
          range: [
            [1, 0],
            [5, 3],
          ],
        },
      },
    },
  };
  return {
    title,
    alt: `${title}: histograms of ${names.join(" and ")}.`,
    svg: await svgOf(spec),
    caption,
    headings: [xTitle, ...names],
    rows: Array.from({ length: bins }, (_, bin) => [
      `${number(from + bin * width)} to ${number(from + (bin + 1) * width)}`,
      ...shares.map((each) => percentage(each[bin]!)),
    ]),
  };
}

export interface MappedPoint {
  readonly x: number;
  readonly y: number;
  readonly group: string;
}

/** Points in the plane, coloured by group. */
export async function scatter(options: {
  readonly title: string;
  readonly alt: string;
  readonly caption: string;
  readonly axes: readonly [string, string];
  readonly groups: readonly string[];
  readonly points: readonly MappedPoint[];
}): Promise<Chart> {
  const { title, alt, caption, axes, groups, points } = options;
  const axis = (field: "x" | "y", at: number) => ({
    field,
    type: "quantitative" as const,
    title: axes[at]!,
    scale: { zero: false },
  });
  const spec: TopLevelSpec = {
    width: SIZE.width,
    height: SIZE.width,
    config: CONFIG,
    data: { values: [...points] },
    mark: { type: "point", filled: true, size: 14, opacity: 0.8 },
    encoding: {
      x: axis("x", 0),
      y: axis("y", 1),
      color: {
        field: "group",
        type: "nominal",
        scale: { domain: [...groups], range: ["var(--a)", "var(--e)", "var(--b)"] },
        legend: { symbolType: "circle" },
      },
    },
  };
  return {
    title,
    alt,
    caption,
    svg: await svgOf(spec),
    headings: ["", "examples"],
    rows: groups.map((group) => [group, number(points.filter((point) => point.group === group).length)]),
  };
}
