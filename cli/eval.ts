/** `npm run eval -- models/NAME [--data DIR]`: measures an exported bundle against data it was not trained on. */

import { Command } from "commander";
import { z } from "zod";
import type { Manifest, OutputSpec } from "../shared/manifest.ts";
import { MAX_SEED } from "../shared/random.ts";
import { audit } from "../trainer/audit.ts";
import { readMemorisationTest } from "../trainer/bundle-check.ts";
import { readGenerator } from "../trainer/bundle-generator.ts";
import { openBundle } from "../trainer/bundle-reader.ts";
import { CLASSIFIER_FOLDER } from "../trainer/classifier/index.ts";
import type { Dataset } from "../trainer/data/dataset.ts";
import { type DatasetRequest, loadDataset } from "../trainer/data/index.ts";
import { createEngine, ENGINES } from "../trainer/engine/index.ts";
import { DEFAULT_SAMPLE_COUNT, evaluate, evaluateRealData, testCountOf } from "../trainer/evaluate.ts";
import { createSeededSampler } from "../trainer/generators/frozen.ts";
import { InputError } from "../trainer/input-error.ts";
import { METRICS } from "../trainer/metrics/index.ts";
import { amount, everySeconds } from "../trainer/run/progress-text.ts";
import { auditTable } from "./audit-table.ts";
import { optionOf, runAsScript, wholeNumberOption } from "./command.ts";
import { metricsTable } from "./metrics-table.ts";

const MAX_SAMPLE_COUNT = 1_000_000;

/** What of a run's configuration says which data it was trained on. */
const trainedOnSchema = z.object({
  data: z.object({
    name: z.string().nullable(),
    path: z.string().nullable(),
    stack: z.number().int().positive().default(1),
  }),
});

interface Flags {
  readonly data?: string;
  readonly samples: number;
  readonly seed?: number;
  readonly engine: string;
  readonly metrics?: readonly string[];
  readonly ceiling: boolean;
  readonly classifier: boolean;
  readonly json: boolean;
}

export const command = new Command("eval")
  .description("Measures an exported model, with nothing but the bundle and the data.")
  .argument("<bundle>", "a bundle folder, models/NAME")
  .option("--data <path>", "the data that the model was trained on; not needed for procedural data sets")
  .option("--samples <n>", "how many to draw", wholeNumberOption(1, MAX_SAMPLE_COUNT), DEFAULT_SAMPLE_COUNT)
  .option("--seed <n>", "of the samples; the training's if left out", wholeNumberOption(0, MAX_SEED))
  .addOption(optionOf("--engine <name>", "what computes", ["auto", ...Object.keys(ENGINES)]).default("auto"))
  .option("--metrics <names>", `only some of ${Object.keys(METRICS).join(",")}, and no audit`, commaSeparated)
  .option("--no-ceiling", "don't measure real examples, too: what a perfect generator would reach")
  .option(
    "--no-classifier",
    "leave out what is measured with a classifier, which is trained where there is none",
  )
  .option("--json", "one JSON object on stdout instead of the table", false)
  .action(run);

await runAsScript(import.meta, command);

async function run(directory: string, flags: Flags): Promise<void> {
  const progress = (what: string) => console.error(`${what} …`);
  progress(`checking ${directory}`);
  const bundle = await openBundle(directory);
  const { manifest } = bundle;
  const { engine } = await createEngine(flags.engine);
  try {
    const dataset = await dataFor(manifest, directory, flags.data);
    const seed = flags.seed ?? manifest.training.seed;
    const sampler = await createSeededSampler(engine, await readGenerator(bundle));
    const { samples: sampleCount, metrics } = flags;
    const classifierFolder = flags.classifier ? CLASSIFIER_FOLDER : undefined;
    const request = { engine, dataset, seed, sampleCount, metrics, classifierFolder };

    const model = await evaluate({ ...request, sample: sampler.sample, onProgress: progress });
    const ceiling =
      flags.ceiling &&
      (await evaluateRealData({ ...request, onProgress: (what) => progress(`real data: ${what}`) }));

    const memorisation = flags.metrics ? null : await readMemorisationTest(bundle);
    const audited =
      memorisation &&
      (await audit(
        memorisation,
        await sampler.sample(seed, 0, flags.samples),
        dataset.test,
        everySeconds(5, (what, done, total) => progress(`checking ${what}: ${amount(done, total)}`)),
      ));

    const about = {
      model: `${manifest.name}@${manifest.version}`,
      dataset: dataset.name,
      testCount: testCountOf(dataset),
      sampleCount: flags.samples,
      seed,
    };
    if (flags.json) {
      console.log(
        JSON.stringify({
          ...about,
          metrics: model,
          ...(ceiling && { realData: ceiling }),
          ...(audited && { audit: audited }),
        }),
      );
    } else {
      const samples = `${flags.samples.toLocaleString("en")} samples (seed ${seed})`;
      const examples = `${about.testCount.toLocaleString("en")} test examples of ${dataset.name}`;
      const columns = { model, ...(ceiling && { "real data": ceiling }) };
      console.log(`${about.model}: ${samples} against ${examples}\n\n${metricsTable(columns)}`);
      if (audited) {
        const { alpha, heldOut, method } = memorisation.calibration;
        const nullExamples = method === "held-out" ? "held-out examples" : "training examples, leave-one-out";
        console.log(
          `\nMemorisation check, alpha ${alpha}, calibrated on ${heldOut.toLocaleString("en")} ${nullExamples}\n\n${auditTable(audited)}`,
        );
      }
    }
  } finally {
    await engine.dispose();
  }
}

/** The data at `path`, or else the procedural set that the model was trained on. */
async function dataFor(manifest: Manifest, directory: string, path: string | undefined): Promise<Dataset> {
  const { seed, config } = manifest.training;
  const trainedOn = trainedOnSchema.safeParse(config).data?.data;
  if (path === undefined && (!trainedOn?.name || trainedOn.path !== null)) {
    throw new InputError(
      `${directory}: was trained on files ("${manifest.dataset.name}"), which the bundle doesn't hold. Give them with --data DIR.`,
    );
  }
  const { output } = manifest;
  const stack = trainedOn?.stack ?? 1;
  const dataset = await loadDataset(
    path === undefined
      ? { name: trainedOn!.name!, seed, stack }
      : { path, seed, stack, ...pictureForm(output, stack), reporter: progressOnStderr() },
  );
  if (dataset.kind !== output.kind || dataset.shape.join() !== output.shape.join()) {
    throw new InputError(
      `${path ?? dataset.name}: ${describe(dataset)}, but ${directory} makes ${describe(output)}. ` +
        "Give the data that the model was trained on.",
    );
  }
  const { trainCount } = manifest.dataset;
  if (dataset.train.count !== trainCount) {
    console.error(
      `note: the model was trained on ${trainCount} examples of ${manifest.dataset.name}, but this data set has ${dataset.train.count}; its test examples may be among those.`,
    );
  }
  return dataset;
}

/** Pictures as the model's are, or their channels where `stack` of them make one. */
function pictureForm({ kind, shape }: OutputSpec, stack: number): Pick<DatasetRequest, "size" | "channels"> {
  if (kind === "vector") return {};
  const [height, width, channels] = shape;
  return { size: [height, width], channels: channels === stack ? "grey" : "rgb" };
}

function progressOnStderr(): NonNullable<DatasetRequest["reporter"]> {
  return {
    note: (_, text) => console.error(text),
    working: everySeconds(5, (what, done, total) => console.error(`${what}: ${amount(done, total)} …`)),
  };
}

function describe({ kind, shape }: { readonly kind: string; readonly shape: readonly number[] }): string {
  return `${kind}s of ${shape.join("×")}`;
}

function commaSeparated(text: string): string[] {
  return text.split(",").map((name) => name.trim());
}
