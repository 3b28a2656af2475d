/** Samples over time: a slider over the pictures of every look at the generator. */

import { escapeHtml, number } from "./html.ts";
import { gridUrl } from "./pictures.ts";
import type { RunRecord } from "./run-record.ts";
import { thin } from "./thin.ts";

/** Pictures of a page, so that it stays small. */
const MOST_PICTURES = 24;

export async function scrubber(run: RunRecord): Promise<string> {
  const frames = [];
  for (const observation of thin(run.observations, MOST_PICTURES)) {
    const png = await run.picture(observation);
    if (png) frames.push({ step: observation.stepCount, url: await gridUrl(png) });
  }
  const last = frames.at(-1);
  if (!last) return "<p>No samples were kept.</p>";
  const pictures = frames.map(
    ({ step, url }) =>
      `<img class="pixels grid" alt="Samples at step ${step}" data-step="step ${number(step)}" src="${url}"${step === last.step ? "" : " hidden"}>`,
  );
  const label = escapeHtml(`step ${number(last.step)}`);
  return `<div class="frames">
${pictures.join("\n")}
<label>Samples of the same latents at <output>${label}</output>
<input type="range" min="0" max="${frames.length - 1}" value="${frames.length - 1}" aria-valuetext="${label}"></label>
</div>`;
}
