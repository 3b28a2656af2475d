/**
 * `npm run bench -- paper [--only a]`: IMLE's claims, one experiment each. Every experiment writes its table, its rows
 * and its drawings to results/paper; what it has computed is kept in .cache/paper, so that an interrupted run goes on.
 */

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { version } from "../../shared/version.ts";
import type { Dataset } from "../../trainer/data/dataset.ts";
import { glyphs } from "../../trainer/data/glyphs.ts";
import { loadDataset } from "../../trainer/data/index.ts";
import { createOnnxEngine } from "../../trainer/engine/onnx-engine.ts";
import { PRESETS } from "../../trainer/presets/index.ts";
import { svgOf } from "../../trainer/report/svg.ts";
import type { Benchmark, BenchmarkOptions, BenchmarkRow } from "../row.ts";
import { blur } from "./blur.ts";
import { direction } from "./direction.ts";
import { distances } from "./distances.ts";
import type { DataName, Experiment, PaperContext } from "./experiment.ts";
import { modeDropping } from "./mode-dropping.ts";
import { parzenTable } from "./parzen.ts";
import { searchAccuracy } from "./search-accuracy.ts";
import { stability } from "./stability.ts";
import { benchmarkRows, markdownTable } from "./table.ts";
import { keptUnit } from "./units.ts";
import { zeroAvoiding } from "./zero-avoiding.ts";

export const EXPERIMENTS: readonly Experiment[] = [
  zeroAvoiding,
  parzenTable,
  modeDropping,
  stability,
  searchAccuracy,
  distances,
  direction,
  blur,
];

const RESULTS = join("results", "paper");
const KEPT = join(".cache", "paper");

export const benchPaper: Benchmark = async (report, options) => {
  const chosen = EXPERIMENTS.filter(({ id, name }) => options.wants(`paper/${id}-${name}/`));
  const rows: BenchmarkRow[] = [];
  for (const experiment of chosen) {
    const missing = experiment.needs.filter((data) => options[data] === null && !options.quick);
    if (missing.length > 0) {
      report(
        `paper ${experiment.id}: left out, because it needs ${missing.join(" and ")}; say where with --data, --cifar10.`,
      );
      continue;
    }
    report(`paper ${experiment.id}: ${experiment.title}`);
    rows.push(...(await runExperiment(experiment, options, report)));
  }
  return rows;
};

/** Runs one, writes what comes of it, and tells its rows. */
export async function runExperiment(
  experiment: Experiment,
  options: Pick<BenchmarkOptions, "quick" | DataName>,
  report: (line: string) => void,
  { results = RESULTS, kept = KEPT } = {},
): Promise<BenchmarkRow[]> {
  const engine = createOnnxEngine();
  const loaded = new Map<DataName, Promise<Dataset>>();
  let spentSeconds = 0;
  const size = options.quick ? "smoke" : "full";
  const context: PaperContext = {
    engine,
    size,
    report,
    data(name) {
      const load = loaded.get(name) ?? loadPictures(name, options);
      loaded.set(name, load);
      return load;
    },
    async unit(name, settings, compute, { atOnce = 1 } = {}) {
      // How long it trains is among the settings.
      const { budget: _, ...preset } = PRESETS[settings["preset"] as string] ?? {};
      const key = { version, size, engine: engine.name, preset, settings };
      const { result, seconds } = await keptUnit(kept, name, key, compute);
      spentSeconds += seconds / atOnce;
      return result;
    },
  };
  try {
    const { rows, figures = {}, pictures = {} } = await experiment.run(context);
    const folder = join(results, `${experiment.id}-${experiment.name}`);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, "rows.json"), `${JSON.stringify(rows, null, 2)}\n`);
    await writeFile(join(folder, "table.md"), markdownTable(rows));
    for (const [name, spec] of Object.entries(figures)) {
      await writeFile(join(folder, `${name}.svg`), await svgOf({ background: "white", ...spec }));
    }
    for (const [name, png] of Object.entries(pictures)) await writeFile(join(folder, `${name}.png`), png);
    const took = `computed in ${Math.ceil(spentSeconds / 60)} min, those of earlier runs included`;
    report(`paper ${experiment.id}: ${folder}, ${took}.`);
    return benchmarkRows(experiment, rows);
  } finally {
    await engine.dispose();
  }
}

/** In a smoke run without the files, glyphs stand in. */
async function loadPictures(
  name: DataName,
  options: Pick<BenchmarkOptions, "quick" | DataName>,
): Promise<Dataset> {
  if (options.quick) return glyphs.create(1, { train: 300, heldOut: 60, test: 120 });
  const path = options[name]!;
  return name === "mnist"
    ? loadDataset({ path, seed: 1 })
    : loadDataset({ path, seed: 1, size: [32, 32], channels: "rgb" });
}
