/** Metrics as people read them: a label, and a value with its error. */

import { METRICS } from "./index.ts";

/** The label of every number that a metric can give, in the order in which they are shown. */
export function metricLabels(): Readonly<Record<string, string>> {
  return Object.assign({}, ...Object.values(METRICS).map(({ figures }) => figures));
}

/** Label and text of each metric; a standard error stands beside its value, not on a line of its own. */
export function labelledMetrics(
  metrics: Readonly<Record<string, number>>,
): { label: string; text: string }[] {
  return Object.entries(metricLabels())
    .filter(([name]) => name in metrics && !name.endsWith("Error"))
    .map(([name, label]) => ({ label, text: describeMetric(metrics[name]!, metrics[`${name}Error`]) }));
}

/** An error to two digits and the value to as many places; four digits where there is no error. */
export function describeMetric(value: number, error: number | undefined): string {
  if (error === undefined) return Number.isInteger(value) ? String(value) : value.toPrecision(4);
  const places = error > 0 ? Math.min(Math.max(1 - Math.floor(Math.log10(error)), 0), 10) : 4;
  return `${value.toFixed(places)} ± ${error.toFixed(places)}`;
}
