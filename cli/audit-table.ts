/** A model's audit as a table for people. */

import type { Audit, AuditFigures } from "../trainer/audit.ts";
import { layOut } from "./metrics-table.ts";

const LINES: readonly [label: string, show: (figures: AuditFigures) => string][] = [
  ["checked", ({ count }) => count.toLocaleString("en")],
  ["copies of training examples", ({ copies, count }) => share(copies, count)],
  ["close to one", ({ close, count }) => share(close, count)],
  ["authentic", ({ authentic, count }) => share(authentic, count)],
];

export function auditTable({ samples, fresh }: Audit): string {
  const columns = fresh ? [samples, fresh] : [samples];
  const rows = LINES.map(([label, show]) => [label, ...columns.map(show)]);
  return layOut([["", "samples", ...(fresh ? ["real test examples"] : [])], ...rows]);
}

function share(value: number, count: number): string {
  return `${Math.round(value * count).toLocaleString("en")} (${(100 * value).toFixed(2)} %)`;
}
