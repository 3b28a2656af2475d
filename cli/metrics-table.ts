/** Metrics as a table for people. */

import { METRICS } from "../trainer/metrics/index.ts";

/** Metrics by name, as `evaluate` gives them, under the heading of their column. */
export type Columns = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** One line a metric, its standard error beside it where there is one. */
export function metricsTable(columns: Columns): string {
  const labels = Object.assign({}, ...Object.values(METRICS).map(({ figures }) => figures)) as Record<
    string,
    string
  >;
  const shown = Object.keys(labels).filter(
    (name) => !name.endsWith("Error") && Object.values(columns).some((metrics) => name in metrics),
  );
  const headings = ["", ...Object.keys(columns)];
  const rows = shown.map((name) => [
    labels[name]!,
    ...Object.values(columns).map((metrics) => describe(metrics[name], metrics[`${name}Error`])),
  ]);
  return layOut([headings, ...rows]);
}

/** An error to two digits and the value to as many places; four digits where there is no error. */
function describe(value: number | undefined, error: number | undefined): string {
  if (value === undefined) return "";
  if (error === undefined) return Number.isInteger(value) ? String(value) : value.toPrecision(4);
  const places = error > 0 ? Math.min(Math.max(1 - Math.floor(Math.log10(error)), 0), 10) : 4;
  return `${value.toFixed(places)} ± ${error.toFixed(places)}`;
}

/** The first column to the left; the others so that their numbers end in line and errors begin in line. */
function layOut(rows: readonly (readonly string[])[]): string {
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
