/** What changes over a training, as curves over its steps. */

import type { TopLevelSpec } from "vega-lite";
import { COLOURS, CONFIG, SIZE } from "./chart-style.ts";
import { type Chart, number } from "./html.ts";
import type { Observed, Recorded } from "./run-record.ts";
import { svgOf } from "./svg.ts";
import { thin } from "./thin.ts";

/** Points of a curve, and rows of its table; more can't be told apart. */
const MOST_POINTS = 400;
const MOST_ROWS = 25;

export interface Curve {
  readonly name: string;
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

/** Curves over the steps; several have a legend. The axis is logarithmic where all values are positive. */
export async function curvesOverSteps(
  title: string,
  yTitle: string,
  caption: string,
  curves: readonly Curve[],
): Promise<Chart> {
  const thinned = curves.map(({ name, points }) => ({ name, points: thin(points, MOST_POINTS) }));
  const values = thinned.flatMap(({ name, points }) => points.map(({ x, y }) => ({ name, x, y })));
  const ends = curves.map(({ name, points }) => {
    const [first, last] = [points[0], points.at(-1)];
    return first && last ? `${name} from ${number(first.y)} to ${number(last.y)}` : `${name}: nothing yet`;
  });
  const spec: TopLevelSpec = {
    ...SIZE,
    config: CONFIG,
    data: { values },
    mark: { type: "line", strokeWidth: 2 },
    encoding: {
      x: stepAxis(),
      y: valueAxis(
        yTitle,
        values.map(({ y }) => y),
      ),
      color: {
        field: "name",
        type: "nominal",
        scale: { domain: curves.map(({ name }) => name), range: [...COLOURS] },
        ...(curves.length === 1 && { legend: null }),
      },
    },
  };
  const steps = thin(
    [...new Set(values.map(({ x }) => x))].sort((a, b) => a - b),
    MOST_ROWS,
  );
  return {
    title,
    alt: `${title} over steps: ${ends.join("; ")}.`,
    svg: await svgOf(spec),
    caption,
    headings: ["step", ...curves.map(({ name }) => name)],
    rows: steps.map((step) => [number(step), ...curves.map(({ points }) => valueAt(points, step))]),
  };
}

export function lossCurve(metrics: readonly Recorded[]): Promise<Chart> {
  return curvesOverSteps(
    "Loss",
    "loss",
    "What training makes small, a mean over the last 200 steps. It should fall and then level off.",
    [{ name: "loss", points: metrics.map(({ stepCount, loss }) => ({ x: stepCount, y: loss })) }],
  );
}

/** How the match distance of training examples fell: its median, and bands of half and nine tenths of the examples. */
export async function matchDistanceBands(observations: readonly Observed[]): Promise<Chart> {
  const values = observations.map(({ stepCount, matchDistance }) => ({ x: stepCount, ...matchDistance }));
  const real = observations.at(-1)?.realDistance;
  const all = values.flatMap(({ p5, p95 }) => [p5, p95]);
  const axis = { ...valueAxis("match distance, L2", real ? [...all, real.p50] : all), field: undefined };
  const band = (low: string, high: string, opacity: number) => ({
    mark: { type: "area" as const, color: "var(--a)", opacity },
    encoding: {
      x: stepAxis(),
      y: { ...axis, field: low, type: "quantitative" as const },
      y2: { field: high },
    },
  });
  const spec = {
    ...SIZE,
    config: CONFIG,
    data: { values },
    layer: [
      band("p5", "p95", 0.18),
      band("p25", "p75", 0.3),
      {
        mark: { type: "line", color: "var(--a)", strokeWidth: 2 },
        encoding: { x: stepAxis(), y: { ...axis, field: "p50", type: "quantitative" } },
      },
      ...(real
        ? [
            {
              mark: { type: "rule", color: "var(--b)", strokeDash: [5, 4], strokeWidth: 2 },
              encoding: { y: { datum: real.p50 } },
            },
          ]
        : []),
    ],
  } as TopLevelSpec;
  const [first, last] = [values[0]!, values.at(-1)!];
  return {
    title: "Match distance of training examples",
    alt: `The median distance from a training example to its nearest sample fell from ${number(first.p50)} to ${number(last.p50)}${real ? `; real examples reach ${number(real.p50)}` : ""}.`,
    svg: await svgOf(spec),
    caption: `From each of up to 500 training examples to its nearest of up to 1,000 samples: the line is the median, the bands hold half and nine tenths of the examples.${real ? " Dashed: the median where other training examples stand in the samples' place, what a perfect generator reaches." : ""}`,
    headings: ["step", "5 %", "25 %", "median", "75 %", "95 %", ...(real ? ["real, median"] : [])],
    rows: thin(values, MOST_ROWS).map(({ x, p5, p25, p50, p75, p95 }) =>
      [x, p5, p25, p50, p75, p95, ...(real ? [real.p50] : [])].map(number),
    ),
  };
}

function stepAxis() {
  return {
    field: "x",
    type: "quantitative" as const,
    title: "step",
    axis: { format: ",.0f", tickCount: 4, grid: false },
    scale: { nice: false },
  };
}

function valueAxis(title: string, values: readonly number[]) {
  const isPositive = values.length > 0 && values.every((value) => value > 0);
  return {
    field: "y",
    type: "quantitative" as const,
    title,
    axis: isPositive
      ? { values: logarithmicTicks(Math.min(...values), Math.max(...values)) }
      : { tickCount: 5 },
    scale: isPositive ? { type: "log" as const, nice: false } : { zero: false },
  };
}

/** Round numbers from `low` to `high`, the fewer a decade, the more decades there are. */
function logarithmicTicks(low: number, high: number): number[] {
  const [first, last] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  const ratio = high / low;
  const steps =
    ratio < 5 ? [1, 1.5, 2, 3, 4, 5, 6, 8] : ratio < 50 ? [1, 2, 3, 5] : ratio < 1e3 ? [1, 3] : [1];
  return Array.from({ length: last - first + 1 }, (_, i) => 10 ** (first + i))
    .flatMap((power) => steps.map((step) => Number((step * power).toPrecision(3))))
    .filter((tick) => tick >= low && tick <= high);
}

/** Of the curve's nearest point at or before the step; empty where there is none. */
function valueAt(points: Curve["points"], step: number): string {
  const point = points.findLast(({ x }) => x <= step);
  return point && step <= points.at(-1)!.x ? number(point.y) : "";
}
