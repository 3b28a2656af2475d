/** Where things lie in a run folder. */

import { join } from "node:path";

export const METRICS = "metrics.jsonl";
export const OBSERVATIONS = "observations.jsonl";
export const RESULTS = "results.json";
export const REPORT = "report.html";

/** The samples of a look at the generator. */
export const pictureFile = (stepCount: number) =>
  join("samples", `${String(stepCount).padStart(8, "0")}.png`);
