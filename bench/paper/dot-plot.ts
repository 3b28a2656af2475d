import type { TopLevelSpec } from "vega-lite";
import type { PaperRow } from "./experiment.ts";

/** An experiment's table as a drawing: a line for each row, a panel for each column, dots with their spread. */
export function dotPlot(rows: readonly PaperRow[], columns: readonly string[]): TopLevelSpec {
  const values = rows.flatMap((row) =>
    columns.flatMap((column) => {
      const value = row.values[column];
      if (!value) return [];
      const { mean, spread } = value;
      const from = row.source ? "published" : "ours";
      return [{ row: row.label, column, mean, low: mean - spread, high: mean + spread, from }];
    }),
  );
  return {
    data: { values },
    facet: { column: { field: "column", type: "nominal", sort: [...columns], title: null } },
    spec: {
      width: 180,
      height: { step: 16 },
      encoding: {
        y: {
          field: "row",
          type: "nominal",
          sort: rows.map(({ label }) => label),
          title: null,
          axis: { labelLimit: 400, grid: true },
        },
        color: {
          field: "from",
          type: "nominal",
          title: null,
          scale: { domain: ["ours", "published"] },
          ...(!values.some(({ from }) => from === "published") && { legend: null }),
        },
      },
      layer: [
        { mark: "rule", encoding: { x: { field: "low", type: "quantitative" }, x2: { field: "high" } } },
        {
          mark: { type: "point", filled: true, opacity: 1 },
          encoding: {
            x: { field: "mean", type: "quantitative", title: null, scale: { zero: false } },
          },
        },
      ],
    },
    resolve: { scale: { x: "independent" } },
  };
}
