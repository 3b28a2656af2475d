/** The bundle's report.html: samples, the loss curve, metrics and configuration; opens from disk. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Config } from "../config.ts";
import { labelledMetrics } from "../metrics/labelled.ts";

export interface ReportContent {
  readonly name: string;
  /** The run folder. */
  readonly folder: string;
  readonly metrics: Readonly<Record<string, number>>;
  /** A PNG. */
  readonly preview: Uint8Array;
  readonly config: Config;
}

interface Recorded {
  readonly stepCount: number;
  readonly loss: number;
  readonly elapsedSeconds: number;
}

export async function trainingReport({
  name,
  folder,
  metrics,
  preview,
  config,
}: ReportContent): Promise<string> {
  const records = await readRecords(folder);
  const last = records.at(-1);
  const rows = labelledMetrics(metrics).map(
    ({ label, text }) => `<tr><th>${escapeHtml(label)}</th><td>${escapeHtml(text)}</td></tr>`,
  );
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escapeHtml(name)} – training report</title>
<style>
  :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
  body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
  img { image-rendering: pixelated; width: min(100%, 36rem); border-radius: 4px; }
  table { border-collapse: collapse; } th { text-align: left; font-weight: normal; padding-right: 2rem; }
  td { font-variant-numeric: tabular-nums; } pre { overflow: auto; }
  svg { width: 100%; max-width: 48rem; } polyline { fill: none; stroke: currentColor; stroke-width: 1.5; }
  text { fill: currentColor; font-size: 12px; }
</style>
<h1>${escapeHtml(name)}</h1>
<p>${last ? `${last.stepCount.toLocaleString("en")} steps in ${Math.round(last.elapsedSeconds)} seconds, ` : ""}objective
${escapeHtml(config.objective.name)}, seed ${config.seed}.</p>
<h2>Samples</h2>
<img alt="Samples of the generator" src="data:image/png;base64,${Buffer.from(preview).toString("base64")}">
<h2>Loss</h2>
${lossCurve(records)}
${rows.length > 0 ? `<h2>Metrics</h2>\n<table>${rows.join("\n")}</table>` : ""}
<h2>Configuration</h2>
<pre>${escapeHtml(JSON.stringify(config, null, 2))}</pre>
</html>
`;
}

async function readRecords(folder: string): Promise<Recorded[]> {
  const text = await readFile(join(folder, "metrics.jsonl"), "utf8").catch(() => "");
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Recorded);
}

/** The loss over steps, its axis logarithmic unless it is a likelihood's, which may be negative. */
function lossCurve(records: readonly Recorded[]): string {
  if (records.length < 2) return "<p>Too few steps for a curve.</p>";
  const [width, height, margin] = [720, 240, 30];
  const steps = records.map((record) => record.stepCount);
  const isPositive = records.every(({ loss }) => loss > 0);
  const losses = records.map(({ loss }) => (isPositive ? Math.log10(loss) : loss));
  const along = (value: number, from: readonly number[], length: number) => {
    const [low, high] = [Math.min(...from), Math.max(...from)];
    return margin + ((value - low) / (high - low || 1)) * (length - 2 * margin);
  };
  const points = records.map(
    (_, i) =>
      `${along(steps[i]!, steps, width).toFixed(1)},${(height - along(losses[i]!, losses, height)).toFixed(1)}`,
  );
  const label = (value: number) => (isPositive ? 10 ** value : value).toPrecision(3);
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="Loss over steps">
<polyline points="${points.join(" ")}"/>
<text x="0" y="${margin}">${label(Math.max(...losses))}</text>
<text x="0" y="${height - margin + 14}">${label(Math.min(...losses))}</text>
<text x="${width - margin}" y="${height - 4}" text-anchor="end">${steps.at(-1)} steps</text>
</svg>`;
}

function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
