/** Coverage in the report: distances beside real ones, the map, the examples that are covered worst. */

import { encodePng } from "../../shared/png.ts";
import { coverageByClass, nearerShare, poorestFirst, remoteness } from "./coverage.ts";
import { TINTED_FROM, TINTED_WHOLLY } from "./coverage-map.ts";
import { histograms, type MappedPoint, scatter } from "./distributions.ts";
import type { Findings } from "./findings.ts";
import { type Chart, escapeHtml, figure, number, percentage, table } from "./html.ts";
import { exampleImage, gridUrl, imageUrl, sampleImage } from "./pictures.ts";
import { spreadOf } from "./spread.ts";

/** Pairs of an example and its nearest sample. */
const SHOWN = 20;
/** Of many classes those that are covered worst. */
const SHOWN_CLASSES = 20;
const MAPPED_POINTS = 1000;

export async function coverageSection(findings: Findings): Promise<string> {
  const { dataset, coverage } = findings;
  const { rows, sampleCount } = coverage;
  const share = nearerShare(coverage);
  const compared = `${number(rows.length)} training examples, drawn at random, and ${number(sampleCount)} samples`;
  const judged =
    share === null
      ? ""
      : ` Of ${percentage(share)} of the examples the nearest sample is nearer than the nearest of as many other training examples: of a perfect generator it would be 50 %. Less: examples are missed. More: samples are averages of several examples, which lie nearer to each of these than they do to each other, or copies.`;
  const charts = [await distanceHistogram(findings), ...(findings.map ? [] : [await pointMap(findings)])];
  const classes = coverageByClass(dataset, coverage);
  return `<p>${escapeHtml(`How near samples come to ${compared}.${judged}`)}</p>
<div class="charts">${charts.map(figure).join("\n")}${classes.length > 0 ? `<figure><h3>${classes.length > SHOWN_CLASSES ? "Classes that are covered worst" : "By class"}</h3>${classTable(findings)}</figure>` : ""}</div>
${findings.map ? await imageMap(findings) : ""}
<h3>Covered worst</h3>
${dataset.kind === "image" ? await worstPairs(findings) : worstPoints(findings)}`;
}

function distanceHistogram({ coverage }: Findings): Promise<Chart> {
  const { distances, realDistances } = coverage;
  const spreads = [distances, ...(realDistances ? [realDistances] : [])].map(spreadOf);
  const to = Math.max(...spreads.map(({ p95, p5 }) => p95 + (p95 - p5) / 4));
  return histograms({
    title: "Distance to what is nearest",
    xTitle: "L2",
    caption:
      "From training examples to the nearest sample, and to the nearest other training example. The two should lie on each other; a tail to the right are examples that are missed. The last step holds all that is farther.",
    of: { "nearest sample": distances, ...(realDistances && { "nearest real example": realDistances }) },
    from: Math.min(...spreads.map(({ p5, p95 }) => Math.max(0, p5 - (p95 - p5) / 2))),
    to,
    bins: 32,
  });
}

function classTable({ dataset, coverage }: Findings): string {
  const classes = coverageByClass(dataset, coverage);
  const worst =
    classes.length > SHOWN_CLASSES
      ? classes.toSorted((a, b) => (a.nearerShare ?? 0) - (b.nearerShare ?? 0)).slice(0, SHOWN_CLASSES)
      : classes;
  return table(
    ["class", "examples", "mean distance", "nearer than real ones"],
    worst.map(({ label, count, meanDistance, nearerShare: share }) => [
      label,
      number(count),
      number(meanDistance),
      share === null ? "–" : percentage(share),
    ]),
  );
}

async function imageMap({ map, coverage }: Findings): Promise<string> {
  const ratios = remoteness(coverage);
  const poor = ratios.filter((ratio) => ratio > TINTED_WHOLLY).length;
  return `<h3>Map</h3>
<img class="pixels map" alt="${escapeHtml(`Training examples, alike ones beside each other; ${percentage(poor / ratios.length)} of all that were looked at are covered poorly.`)}" src="${await gridUrl(encodePng(map!))}">
<p class="quiet">Training examples, alike ones beside each other. The more orange, the farther the nearest sample is, from ${TINTED_FROM}× (none) to ${TINTED_WHOLLY}× the distance of the nearest real example (full). An orange region is a kind of example that the generator misses; tiles here and there are unusual examples.</p>`;
}

/** Vectors by their first two numbers; the only one beside how far it is from a sample. */
function pointMap({ dataset, coverage }: Findings): Promise<Chart> {
  const { train, shape } = dataset;
  const ratios = remoteness(coverage);
  const groups = [`to ${TINTED_WHOLLY}× as far as a real one`, "to 3×", "farther"];
  const points = Array.from(coverage.rows.subarray(0, MAPPED_POINTS), (row, i): MappedPoint => {
    const x = train.values[row * train.length]!;
    const y = shape[0] === 1 ? coverage.distances[i]! : train.values[row * train.length + 1]!;
    const ratio = ratios[i]!;
    return { x, y, group: groups[ratio > 3 ? 2 : ratio > TINTED_WHOLLY ? 1 : 0]! };
  });
  const far = points.filter(({ group }) => group === groups[2]).length;
  return scatter({
    title: "Map",
    alt: `Training examples; of ${percentage(far / points.length)} the nearest sample is more than three times as far as the nearest real example.`,
    caption:
      "Training examples, coloured by how far the nearest sample is. A mode in one colour is missed; single points are chance.",
    axes: ["first number", shape[0] === 1 ? "distance to the nearest sample" : "second number"],
    groups,
    points,
  });
}

const describeRatio = (ratio: number) => (Number.isNaN(ratio) ? "" : `${ratio.toFixed(2)}× a real one`);

async function worstPairs({ dataset, samples, coverage }: Findings): Promise<string> {
  const ratios = remoteness(coverage);
  const items = poorestFirst(coverage)
    .slice(0, SHOWN)
    .map(async (i) => {
      const row = coverage.rows[i]!;
      const example = await imageUrl(exampleImage(dataset, row));
      const sample = await imageUrl(sampleImage(dataset, samples, coverage.nearest[i]!));
      return `<li><img class="pixels" alt="Training example ${row}" src="${example}"> <img class="pixels" alt="Its nearest sample" src="${sample}"><span>${number(coverage.distances[i]!)} apart</span><span class="quiet">${describeRatio(ratios[i]!)}</span></li>`;
    });
  return `<p class="quiet">Training examples, left, and the nearest sample, right, where that is farthest beside the nearest real example.</p>
<ul class="pairs">${(await Promise.all(items)).join("\n")}</ul>`;
}

function worstPoints({ dataset, coverage }: Findings): string {
  const { train } = dataset;
  const ratios = remoteness(coverage);
  const rows = poorestFirst(coverage)
    .slice(0, SHOWN / 2)
    .map((i) => {
      const row = coverage.rows[i]!;
      const values = Array.from(train.values.subarray(row * train.length, (row + 1) * train.length), number);
      const shown = values.length > 4 ? `${values.slice(0, 4).join(", ")}, …` : values.join(", ");
      return [String(row), shown, number(coverage.distances[i]!), describeRatio(ratios[i]!)];
    });
  return table(["training example", "numbers", "to the nearest sample", "beside the nearest real one"], rows);
}
