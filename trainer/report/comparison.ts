/** Runs side by side: what came of each, their curves over each other, and how their configurations differ. */

import { describeMetric, metricLabels } from "../metrics/labelled.ts";
import { duration } from "../run/progress-text.ts";
import { COLOURS } from "./chart-style.ts";
import { curvesOverSteps } from "./curves.ts";
import { escapeHtml, figure, number, percentage, section, table } from "./html.ts";
import { pageOf } from "./page.ts";
import { gridUrl } from "./pictures.ts";
import { endOf, type RunRecord } from "./run-record.ts";

/** A fact by its name, with its value in every run; empty where a run doesn't tell. */
export type Fact = readonly [name: string, ...values: string[]];

/** What came of the runs; facts that none of them tells are left out. */
export function resultFacts(runs: readonly RunRecord[]): Fact[] {
  const labels = metricLabels();
  const measured = Object.keys(labels).filter(
    (name) => !name.endsWith("Error") && runs.some(({ results }) => results && name in results.metrics),
  );
  const shown = (value: number | null | undefined, text: (value: number) => string = number) =>
    value === null || value === undefined ? "" : text(value);
  const facts: Fact[] = [
    ["objective", ...runs.map(({ config }) => config.objective.name)],
    ["steps", ...runs.map((run) => shown(endOf(run)?.stepCount))],
    ["training took", ...runs.map((run) => shown(endOf(run)?.elapsedSeconds, duration))],
    ["samples a second", ...runs.map(({ metrics }) => shown(metrics.at(-1)?.samplesPerSecond, thousands))],
    ["loss", ...runs.map(({ metrics }) => shown(metrics.at(-1)?.loss))],
    [
      "match distance of training examples, median",
      ...runs.map(({ observations }) => shown(observations.at(-1)?.matchDistance.p50)),
    ],
    [
      "nearer to training examples than real ones",
      ...runs.map(({ results }) => shown(results?.coverage.nearerShare, percentage)),
    ],
    ...measured.map(
      (name): Fact => [
        labels[name]!,
        ...runs.map(({ results }) =>
          shown(results?.metrics[name], (value) => describeMetric(value, results!.metrics[`${name}Error`])),
        ),
      ],
    ),
    [
      "samples called copies",
      ...runs.map(({ results }) => shown(results?.audit?.samples.copies, percentage)),
    ],
  ];
  return facts.filter(([, ...values]) => values.some((value) => value !== ""));
}

/** The fields of the configuration in which the runs differ. */
export function configDifferences(runs: readonly RunRecord[]): Fact[] {
  const fields = runs.map(({ config }) => fieldsOf(config));
  const paths = [...new Set(fields.flatMap((each) => [...each.keys()]))];
  return paths
    .map((path): Fact => [path, ...fields.map((each) => each.get(path) ?? "")])
    .filter(([, ...values]) => new Set(values).size > 1);
}

/** @returns a self-contained HTML page */
export async function comparisonPage(runs: readonly RunRecord[]): Promise<string> {
  const names = runs.map(({ name }) => name);
  const curves = await Promise.all([
    curvesOverSteps(
      "Loss",
      "loss",
      "A mean over the last 200 steps. Losses compare between runs of one objective and distance only.",
      runs.map(({ name, metrics }) => ({
        name,
        points: metrics.map(({ stepCount, loss }) => ({ x: stepCount, y: loss })),
      })),
    ),
    curvesOverSteps(
      "Match distance",
      "median, L2",
      "From training examples to their nearest sample, the median. It compares between runs on the same data.",
      runs.map(({ name, observations }) => ({
        name,
        points: observations.map(({ stepCount, matchDistance }) => ({ x: stepCount, y: matchDistance.p50 })),
      })),
    ),
  ]);
  const differences = configDifferences(runs);
  return pageOf({
    title: `${names.join(", ")} – comparison`,
    body: `<header><h1>${runs.length} runs</h1></header>
<main>
${section("results", "What came of them", table(["", ...names], resultFacts(runs)))}
${section("curves", "How training went", `<div class="charts">${curves.map(figure).join("\n")}</div>`)}
${section("samples", "Samples", `<div class="runs">${(await Promise.all(runs.map(samplesOf))).join("\n")}</div>`)}
${section(
  "configuration",
  "How their configurations differ",
  differences.length > 0 ? table(["field", ...names], differences) : "<p>They don't.</p>",
)}
</main>`,
  });
}

async function samplesOf(run: RunRecord, index: number): Promise<string> {
  const last = run.observations.at(-1);
  const png = last && (await run.picture(last));
  const picture = png
    ? `<img class="pixels grid" alt="${escapeHtml(`Samples of ${run.name}`)}" src="${await gridUrl(png)}">`
    : "<p>No samples were kept.</p>";
  const colour = COLOURS[index % COLOURS.length]!;
  const step = last ? `, step ${number(last.stepCount)}` : "";
  return `<figure><h3><span class="key" style="background:${colour}"></span>${escapeHtml(run.name)}</h3>${picture}<figcaption>${escapeHtml(`${run.config.objective.name}${step}`)}</figcaption></figure>`;
}

const thousands = (value: number) => Math.round(value).toLocaleString("en");

/** Every value by its path, as `--set` takes it. */
function fieldsOf(value: unknown, path = ""): Map<string, string> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return new Map([[path, typeof value === "string" ? value : JSON.stringify(value)]]);
  }
  const inner = Object.entries(value).flatMap(([name, each]) => [
    ...fieldsOf(each, path === "" ? name : `${path}.${name}`),
  ]);
  return new Map(inner);
}
