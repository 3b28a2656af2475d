/** The memorisation check in the report: how many samples it calls copies, and the pairs that came nearest. */

import { VERDICT_NOTE } from "../../shared/verdict.ts";
import { histograms } from "./distributions.ts";
import type { Findings } from "./findings.ts";
import { escapeHtml, figure, number, percentage, table } from "./html.ts";
import type { AuditedSample, NearestAudit } from "./nearest-audit.ts";
import { exampleImage, imageUrl, sampleImage } from "./pictures.ts";

const SHOWN = 12;

export async function auditSection(findings: Findings): Promise<string> {
  const { audit } = findings;
  if (!audit) {
    return "<p>The model has no memorisation check: its training examples aren't published with it, or are too few.</p>";
  }
  const chart = await histograms({
    title: "p-values",
    xTitle: "p-value",
    caption:
      "Real data give all p-values alike, a flat line. A peak at the left are samples nearer to training examples than real data are: copies. Many at the right are samples that are far from all of them.",
    of: { samples: audit.pValues, ...(audit.freshPValues && { "real examples": audit.freshPValues }) },
    from: 0,
    to: 1,
    bins: 20,
  });
  return `<p>${escapeHtml(`The memorisation check of ${number(audit.samples.count)} samples. Of real data it calls ${percentage(audit.alpha)} copies.`)} ${escapeHtml(VERDICT_NOTE)}</p>
<div class="charts">${figure(chart)}<figure><h3>Verdicts</h3>${verdicts(audit)}</figure></div>
<h3>The samples nearest to a training example</h3>
${findings.dataset.kind === "image" ? await nearestPairs(findings, audit) : nearestPoints(audit)}`;
}

function verdicts({ samples, fresh }: NearestAudit): string {
  const columns = fresh ? [samples, fresh] : [samples];
  return table(
    ["", "samples", ...(fresh ? ["real examples"] : [])],
    [
      ["checked", ...columns.map(({ count }) => number(count))],
      ["copies", ...columns.map(({ copies }) => percentage(copies))],
      ["close", ...columns.map(({ close }) => percentage(close))],
      ["authentic", ...columns.map(({ authentic }) => percentage(authentic))],
    ],
  );
}

async function nearestPairs({ dataset, samples }: Findings, { nearest }: NearestAudit): Promise<string> {
  const items = nearest.slice(0, SHOWN).map(async ({ sample, neighbours, verdict, pValue }) => {
    const row = neighbours[0]!.index;
    return `<li><img class="pixels" alt="Sample ${sample}" src="${await imageUrl(sampleImage(dataset, samples, sample))}"> <img class="pixels" alt="Training example ${row}" src="${await imageUrl(exampleImage(dataset, row))}"><span>${verdict}</span><span class="quiet">p ${number(pValue)}</span></li>`;
  });
  return `<p class="quiet">Samples, left, and the nearest training example, right.</p>
<ul class="pairs">${(await Promise.all(items)).join("\n")}</ul>`;
}

function nearestPoints({ nearest }: NearestAudit): string {
  const cells = ({ sample, neighbours, distance, pValue, verdict }: AuditedSample) => [
    String(sample),
    String(neighbours[0]!.index),
    number(distance),
    number(pValue),
    verdict,
  ];
  return table(
    ["sample", "training example", "distance", "p-value", "verdict"],
    nearest.slice(0, SHOWN).map(cells),
  );
}
