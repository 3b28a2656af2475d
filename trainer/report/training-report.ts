/** A run as a page: what it made, how it went, how near it came to what real data reach. */

import { METRICS } from "../metrics/index.ts";
import { describeMetric, metricLabels } from "../metrics/labelled.ts";
import { duration } from "../run/progress-text.ts";
import { auditSection } from "./audit-section.ts";
import { coverageSection } from "./coverage-section.ts";
import { lossCurve, matchDistanceBands } from "./curves.ts";
import { type Findings, resultsOf } from "./findings.ts";
import { glanceCards, glancesOf } from "./glance.ts";
import { escapeHtml, figure, number, section, table } from "./html.ts";
import { pageOf } from "./page.ts";
import { endOf, type RunRecord } from "./run-record.ts";
import { scrubber } from "./scrubber.ts";

/** @returns a self-contained HTML page */
export async function trainingReport(run: RunRecord, findings: Findings, name: string): Promise<string> {
  return pageOf({ title: `${name} – training report`, body: await reportBody(run, findings, name) });
}

/** @param findings null: the run goes on */
export async function reportBody(run: RunRecord, findings: Findings | null, name: string): Promise<string> {
  const results = findings && resultsOf(findings);
  const parts = [
    `<header><h1>${escapeHtml(name)}</h1>\n<p class="quiet">${escapeHtml(summary(run, findings))}</p></header>`,
    `<main>`,
    glanceCards(glancesOf(run, results)),
    `<div class="two">`,
    section("samples", "Samples", await scrubber(run)),
    section("curves", "How training went", await curves(run)),
    `</div>`,
  ];
  if (findings) {
    parts.push(section("coverage", "Coverage", await coverageSection(findings)));
    parts.push(section("audit", "Nearest training examples", await auditSection(findings)));
    if (Object.keys(findings.metrics).length > 0) {
      parts.push(section("metrics", "Metrics", metricsTable(findings)));
    }
  }
  parts.push(section("run", "The run", aboutRun(run, findings)), "</main>");
  return parts.join("\n");
}

function summary(run: RunRecord, findings: Findings | null): string {
  const { config } = run;
  const end = endOf(run);
  const steps = end ? `${number(end.stepCount)} steps in ${duration(end.elapsedSeconds)}` : "";
  const data = findings
    ? `${number(findings.dataset.train.count)} examples of ${findings.dataset.name}`
    : (config.data.name ?? config.data.path ?? "");
  return [data, `objective ${config.objective.name}`, steps, `seed ${config.seed}`]
    .filter(Boolean)
    .join(" · ");
}

async function curves({ metrics, observations }: RunRecord): Promise<string> {
  const charts = [
    ...(metrics.length > 1 ? [await lossCurve(metrics)] : []),
    ...(observations.length > 1 ? [await matchDistanceBands(observations)] : []),
  ];
  if (charts.length === 0) return "<p>Too few steps for a curve.</p>";
  return `<div class="charts">${charts.map(figure).join("\n")}</div>`;
}

function metricsTable({ metrics, realData }: Findings): string {
  const labels = metricLabels();
  const shown = Object.keys(labels).filter((name) => !name.endsWith("Error") && name in metrics);
  const text = (values: Readonly<Record<string, number>>, name: string) =>
    Number.isFinite(values[name]) ? describeMetric(values[name]!, values[`${name}Error`]) : "–";
  const heldOut = Object.values(METRICS).filter(({ ceiling }) => ceiling === "held-out");
  const ofHeldOut = heldOut.flatMap(({ figures }) => Object.values(figures)).join("; ");
  return `<p>“Real data” is the same measurement with real examples in the place of samples: training examples, or
unseen ones for ${escapeHtml(ofHeldOut)}. It is what a perfect generator would reach.</p>
${table(
  ["", "this model", "real data"],
  shown.map((name) => [labels[name]!, text(metrics, name), text(realData, name)]),
)}`;
}

function aboutRun(run: RunRecord, findings: Findings | null): string {
  const { name, about, config, metrics } = run;
  const parts = new Map<string, number>();
  for (const { seconds } of metrics) {
    for (const [part, time] of Object.entries(seconds)) parts.set(part, (parts.get(part) ?? 0) + time);
  }
  const [last, end] = [metrics.at(-1), endOf(run)];
  const inSeconds = (seconds: number) => `${seconds.toFixed(1)} s`;
  const timings = [
    ...(end ? [["training", inSeconds(end.elapsedSeconds)]] : []),
    ...Array.from(parts, ([part, seconds]) => [`training: ${part}`, inSeconds(seconds)]),
    ...Object.entries(findings?.seconds ?? {}).map(([part, seconds]) => [part, inSeconds(seconds)]),
  ];
  const machine = Object.entries(about.machine).map(([what, value]) => [what, String(value)]);
  const facts = [
    ["run", name],
    ["started", about.startedAt.replace("T", " ").replace(/\..*/, " UTC")],
    ["version", about.version],
    ["commit", about.commit ?? "not in a git checkout"],
    ...(last ? [["samples a second", number(Math.round(last.samplesPerSecond))]] : []),
    ...machine,
  ];
  return `<div class="charts">
<div><h3>Machine</h3>${table(["what", "value"], facts)}</div>
<div><h3>Where the time went</h3>${table(["part", "time"], timings)}</div>
</div>
<h3>Configuration</h3>
<details><summary>All fields</summary><pre tabindex="0">${escapeHtml(JSON.stringify(config, null, 2))}</pre></details>`;
}
