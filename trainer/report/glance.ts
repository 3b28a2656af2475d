/** What one looks at first: a few figures, each beside what real data reach, and what that means. */

import { escapeHtml, number, percentage } from "./html.ts";
import type { Results, RunRecord } from "./run-record.ts";

export interface Glance {
  readonly label: string;
  readonly value: string;
  readonly grade: "good" | "fair" | "poor" | null;
  /** The grade in words. */
  readonly judgement: string;
  /** What it is measured by. */
  readonly beside: string;
}

/**
 * From these shares of what real data reach a figure counts as like real data, or as near to it. Rules of thumb, for
 * who has no other model to compare with.
 */
const LIKE_REAL = 0.9;
const NEAR_REAL = 0.6;
/** By chance a share of copies lies this many standard errors above alpha once in a thousand models. */
const COPIES_SIGMAS = 3.1;

export function glancesOf({ metrics, observations }: RunRecord, results: Results | null): Glance[] {
  const glances: Glance[] = [];
  const [first, last] = [metrics[0], metrics.at(-1)];
  if (first && last) {
    glances.push({
      label: "Loss",
      value: number(last.loss),
      grade: null,
      judgement: "",
      beside: first === last ? "" : `from ${number(first.loss)} at step ${number(first.stepCount)}`,
    });
  }
  const seen = observations.at(-1);
  if (seen) {
    const share = results?.coverage.nearerShare ?? null;
    glances.push({
      label: "Match distance",
      value: number(seen.matchDistance.p50),
      ...(share === null ? UNJUDGED : judgementOfNearness(share)),
      beside: seen.realDistance ? `real examples ${number(seen.realDistance.p50)}, medians` : "median",
    });
  }
  if (!results) return glances;
  for (const [name, label] of [
    ["precision", "Precision"],
    ["recall", "Recall"],
    ["coverage", "Coverage"],
  ] as const) {
    const [value, real] = [results.metrics[name], results.realData[name]];
    if (value === undefined || !real || !Number.isFinite(value / real)) continue;
    glances.push({
      label,
      value: percentage(value),
      ...judgementOf(value / real),
      beside: `real examples ${percentage(real)}`,
    });
  }
  if (results.audit) {
    const { alpha, samples } = results.audit;
    const most = alpha + COPIES_SIGMAS * Math.sqrt((alpha * (1 - alpha)) / samples.count);
    const isMore = samples.copies > most;
    glances.push({
      label: "Called copies",
      value: percentage(samples.copies),
      grade: isMore ? "poor" : "good",
      judgement: isMore ? "more than of real data" : "no more than of real data",
      beside: `of real data ${percentage(alpha)} is`,
    });
  }
  return glances;
}

const UNJUDGED = { grade: null, judgement: "" } as const;

/** @param share of examples that samples come nearer to than real ones: two sets of real ones would share them evenly */
function judgementOfNearness(share: number): Pick<Glance, "grade" | "judgement"> {
  if (share > 0.75) return { grade: "fair", judgement: "nearer than real data" };
  return judgementOf(share / 0.5);
}

function judgementOf(shareOfReal: number): Pick<Glance, "grade" | "judgement"> {
  if (shareOfReal >= LIKE_REAL) return { grade: "good", judgement: "like real data" };
  if (shareOfReal >= NEAR_REAL) return { grade: "fair", judgement: "near to real data" };
  return { grade: "poor", judgement: "short of real data" };
}

const SIGNS = { good: "✓", fair: "○", poor: "✗" } as const;

export function glanceCards(glances: readonly Glance[]): string {
  const cards = glances.map(({ label, value, grade, judgement, beside }) => {
    const verdict =
      grade === null
        ? ""
        : `<span class="judgement ${grade}"><span aria-hidden="true">${SIGNS[grade]} </span>${escapeHtml(judgement)}</span>`;
    return `<li class="card">${escapeHtml(label)}<span class="value">${escapeHtml(value)}</span>${verdict}<span class="quiet">${escapeHtml(beside)}</span></li>`;
  });
  return `<ul class="cards">${cards.join("\n")}</ul>`;
}
