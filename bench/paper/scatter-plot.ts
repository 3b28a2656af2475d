import sharp from "sharp";
import { svgOf } from "../../trainer/report/svg.ts";

/** Points of a plane, a panel for each name, as PNG. @param points x, y, x, y, … by name */
export async function scatterPlot(points: Readonly<Record<string, readonly number[]>>): Promise<Uint8Array> {
  const values = Object.entries(points).flatMap(([name, numbers]) =>
    Array.from({ length: numbers.length / 2 }, (_, i) => ({
      name,
      x: numbers[2 * i],
      y: numbers[2 * i + 1],
    })),
  );
  const axis = { type: "quantitative", title: null, axis: { grid: false, tickCount: 3 } } as const;
  const svg = await svgOf({
    background: "white",
    data: { values },
    facet: {
      field: "name",
      type: "nominal",
      sort: Object.keys(points),
      title: null,
      header: { labelLimit: 220 },
    },
    columns: 3,
    spec: {
      width: 220,
      height: 220,
      mark: { type: "point", filled: true, size: 6, opacity: 0.5, clip: true },
      encoding: { x: { ...axis, field: "x" }, y: { ...axis, field: "y" } },
    },
  });
  return sharp(Buffer.from(svg)).png().toBuffer();
}
