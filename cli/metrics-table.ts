/** Metrics as a table for people. */

import { describeMetric, metricLabels } from "../trainer/metrics/labelled.ts";

/** Metrics by name, as `evaluate` gives them, under the heading of their column. */
export type Columns = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** One line a metric, its standard error beside it where there is one. */
export function metricsTable(columns: Columns): string {
  const labels = metricLabels();
  const shown = Object.keys(labels).filter(
    (name) => !name.endsWith("Error") && Object.values(columns).some((metrics) => name in metrics),
  );
  const headings = ["", ...Object.keys(columns)];
  const rows = shown.map((name) => [
    labels[name]!,
    ...Object.values(columns).map((metrics) =>
      name in metrics ? describeMetric(metrics[name]!, metrics[`${name}Error`]) : "",
    ),
  ]);
  return layOut([headings, ...rows]);
}

/** Rows of cells as lines: the first column to the left; the others so that their numbers end in line and errors begin in line. */
export function layOut(rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => row.map((cell) => cell.split(/(?= ± )/)));
  const width = (column: number, part: number) =>
    Math.max(...cells.map((row) => row[column]?.[part]?.length ?? 0));
  const lines = cells.map((row) =>
    row
      .map(([value = "", error = ""], column) =>
        column === 0
          ? value.padEnd(width(0, 0))
          : `${value.padStart(width(column, 0))}${error.padEnd(width(column, 1))}`,
      )
      .join("   ")
      .trimEnd(),
  );
  return lines.join("\n");
}
