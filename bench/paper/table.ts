/** An experiment's rows as a Markdown table, and as rows of `--json`. */

import type { BenchmarkRow } from "../row.ts";
import type { Experiment, Measured, PaperRow } from "./experiment.ts";

export function markdownTable(rows: readonly PaperRow[]): string {
  const columns = [...new Set(rows.flatMap(({ values }) => Object.keys(values)))];
  const hasSources = rows.some(({ source }) => source);
  const head = ["", ...columns, ...(hasSources ? ["source"] : [])];
  const lines = rows.map(({ label, values, source }) => [
    label,
    ...columns.map((column) => shown(values[column] ?? null)),
    ...(hasSources ? [source ?? "this run"] : []),
  ]);
  return `${[head, head.map(() => "---"), ...lines].map((cells) => `| ${cells.join(" | ")} |`).join("\n")}\n`;
}

export function benchmarkRows({ id, name }: Experiment, rows: readonly PaperRow[]): BenchmarkRow[] {
  return rows.flatMap((row) =>
    Object.entries(row.values).flatMap(([column, value]) =>
      value
        ? [
            {
              name: `paper/${id}-${name}/${row.name}/${column.replaceAll(/[^\w%]+/g, "-")}`,
              value: value.mean,
              unit: "",
              spread: value.spread,
              peer: null,
              peerValue: null,
              ratio: null,
            },
          ]
        : [],
    ),
  );
}

function shown(value: Measured | null): string {
  if (value === null) return "–";
  const { mean, spread } = value;
  if (spread === 0) return Number.isInteger(mean) ? String(mean) : String(Number(mean.toPrecision(3)));
  const places = Math.max(0, 1 - Math.floor(Math.log10(spread)));
  return `${mean.toFixed(places)} ± ${spread.toFixed(places)}`;
}
