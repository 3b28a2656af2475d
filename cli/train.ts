/** `npm run train`: trains a generator and exports it. */

import { Command, Option } from "commander";
import { MAX_SEED } from "../shared/random.ts";
import { type Config, resolveConfig } from "../trainer/config.ts";
import { ENGINES } from "../trainer/engine/index.ts";
import { InputError } from "../trainer/input-error.ts";
import { OBJECTIVES } from "../trainer/objectives/index.ts";
import { PRESETS } from "../trainer/presets/index.ts";
import { resumeRunFolder } from "../trainer/run/run-folder.ts";
import { collect, optionOf, positiveNumberOption, runAsScript, wholeNumberOption } from "./command.ts";
import { defaultOut, runTraining, type TrainingStart } from "./training.ts";

interface Flags {
  readonly preset?: string;
  readonly data?: string;
  readonly strict?: boolean;
  readonly out?: string;
  readonly objective?: string;
  readonly engine?: string;
  readonly seed?: number;
  readonly minutes?: number;
  readonly steps?: number;
  readonly epochs?: number;
  readonly resume?: string;
  readonly set: readonly string[];
  readonly json: boolean;
  readonly open: boolean;
}

export const command = new Command("train")
  .description("Trains a generator by Implicit Maximum Likelihood Estimation and exports it.")
  .addOption(optionOf("--preset <name>", "what to train; glyphs if left out", Object.keys(PRESETS)))
  .option(
    "--data <path>",
    "training data: a folder of pictures, or a .tar[.gz] of one; MNIST-style IDX, CIFAR-10 binary, .npy, .npz, .csv",
  )
  .option("--strict", "a picture that can't be decoded is an error, instead of left out")
  .option("--out <dir>", "where the bundle goes (models/<preset>)")
  .addOption(optionOf("--objective <name>", "what a training step does", Object.keys(OBJECTIVES)))
  .addOption(optionOf("--engine <name>", "what computes", ["auto", ...Object.keys(ENGINES)]))
  .option("--seed <n>", `a whole number from 0 to ${MAX_SEED}`, wholeNumberOption(0, MAX_SEED))
  .addOption(
    new Option("--minutes <m>", "train this long")
      .argParser(positiveNumberOption)
      .conflicts(["steps", "epochs"]),
  )
  .addOption(
    new Option("--steps <n>", "train this many steps")
      .argParser(wholeNumberOption(1, Number.MAX_SAFE_INTEGER))
      .conflicts("epochs"),
  )
  .option("--epochs <n>", "train until every example had its turn this often", positiveNumberOption)
  .option(
    "--resume <dir>",
    "go on with a run folder that was interrupted, or with one of its checkpoints; --set may change optimiser.*",
  )
  .option("--set <path=value>", "set any field of the configuration (repeatable)", collect, [])
  .option("--json", "one JSON object a line on stdout instead of the progress display", false)
  .option("--open", "show the training in the browser, on a page that lasts as long as it", false)
  .action(run);

await runAsScript(import.meta, command);

async function run(flags: Flags): Promise<void> {
  const start: TrainingStart = flags.resume ? await resume(flags, flags.resume) : { config: configOf(flags) };
  await runTraining(start, flags.out ?? defaultOut(start.config), flags);
}

function configOf({
  seed,
  engine,
  objective,
  data,
  strict,
  minutes,
  steps,
  epochs,
  set,
  preset,
}: Flags): Config {
  return resolveConfig(preset ?? "glyphs", {
    seed,
    engine,
    objective,
    dataPath: data,
    strict,
    budget: minutes ? { minutes } : steps ? { steps } : epochs ? { epochs } : undefined,
    set,
  });
}

/** Continues as the run folder says; what would make it another run is refused. */
async function resume(flags: Flags, path: string): Promise<TrainingStart> {
  const fixed = (
    ["preset", "data", "strict", "objective", "engine", "seed", "minutes", "steps", "epochs"] as const
  ).find((name) => flags[name] !== undefined);
  const flag = fixed ?? (flags.set.some((field) => !field.startsWith("optimiser.")) ? "set" : null);
  if (flag) {
    throw new InputError(
      `--${flag}: a resumed run keeps its configuration, all but optimiser.*. Leave it out, or start a new run.`,
    );
  }
  return resumeRunFolder(path, flags.set);
}
