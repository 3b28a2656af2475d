/**
 * Training, from configuration to exported bundle. The whole main path is here; mechanism lives in the
 * functions that it calls.
 */

import { createRandom } from "../shared/random.ts";
import type { Config } from "./config.ts";
import { loadDataset } from "./data/index.ts";
import { modelSpaceOf } from "./data/model-space.ts";
import { DivergedError } from "./diverged-error.ts";
import { createEngine } from "./engine/index.ts";
import { checkDestination } from "./export/destination.ts";
import { checkExportable, exportModel, outputSpecOf } from "./export/export-model.ts";
import { previewCount, previewPng } from "./export/preview.ts";
import { createSeededSampler, foldModelSpace } from "./generators/frozen.ts";
import { GENERATORS } from "./generators/index.ts";
import { OBJECTIVES } from "./objectives/index.ts";
import type { Checkpoint } from "./run/checkpoint.ts";
import type { Reporter } from "./run/reporter.ts";
import { createRunFolder, type RunFolder } from "./run/run-folder.ts";
import { createBudget, upcomingLearningRates } from "./schedule.ts";

export interface TrainRequest {
  readonly config: Config;
  /** Where the bundle goes. */
  readonly out: string;
  /** The run folder to go on with; a new one if left out. */
  readonly folder?: RunFolder | undefined;
  readonly reporter: Reporter;
  /** Aborted: training stops after the current step and leaves a checkpoint. */
  readonly signal: AbortSignal;
  /** Where to go on; from the start if left out. */
  readonly checkpoint?: Checkpoint | undefined;
}

export interface TrainOutcome {
  readonly interrupted: boolean;
  readonly folder: RunFolder;
}

/**
 * Trains a generator as the configuration says and exports it to `out`.
 *
 * @throws InputError if the configuration doesn't fit the data; DivergedError if the loss stops being a number
 */
export async function train(request: TrainRequest): Promise<TrainOutcome> {
  const { config, reporter, signal, checkpoint } = request;
  const random = createRandom(config.seed);

  await checkDestination(request.out);
  const dataset = await loadDataset({ ...pickSource(config), seed: config.seed });
  const space = modelSpaceOf(dataset);
  const { train } = dataset;
  reporter.note("data", `data: ${dataset.name}, ${train.count} × ${dataset.shape.join("×")}`, {
    dataset: dataset.name,
    trainCount: train.count,
    shape: dataset.shape,
  });

  const { engine, why } = await createEngine(config.engine);
  reporter.note("engine", `engine: ${why}`, { engine: engine.name });

  const generator = GENERATORS[config.generator.kind]!({
    ...config.generator,
    outputShape: dataset.shape,
    outputActivation: dataset.kind === "image" ? "sigmoid" : "linear",
  });
  checkExportable(generator);
  const parameters = await engine.createParameters(
    generator.initialParameters(random.fork("weights")),
    config.optimiser,
  );
  const training = await OBJECTIVES[config.objective.name]!.prepare({
    engine,
    generator,
    parameters,
    train,
    space,
    config,
    random: random.fork("training"),
  });
  const budget = createBudget(config.budget, training.stepsPerEpoch);
  const folder = request.folder ?? (await createRunFolder(config));
  reporter.note("run", `run: ${folder.path}`, { run: folder.path });

  let stepCount = 0;
  let earlierSeconds = 0;
  if (checkpoint) {
    await parameters.write(checkpoint.parameters);
    training.restore(checkpoint.training);
    stepCount = checkpoint.stepCount;
    earlierSeconds = checkpoint.elapsedSeconds;
    reporter.note("resume", `resuming at step ${stepCount}`, { stepCount });
  }
  const startedAt = performance.now();
  const startedWith = stepCount;
  const elapsedSeconds = () => earlierSeconds + (performance.now() - startedAt) / 1000;
  const progress = () => budget.progress(stepCount, elapsedSeconds());

  const saveCheckpoint = async () =>
    folder.saveCheckpoint({
      stepCount,
      elapsedSeconds: elapsedSeconds(),
      parameters: await parameters.read(),
      training: training.state(),
    });
  /** The generator as it would be exported now. */
  const frozen = async () => {
    const { average } = await parameters.read();
    return foldModelSpace({ ...generator, weights: average }, space);
  };
  const saveSamples = async () => {
    const output = outputSpecOf(dataset);
    const sampler = await createSeededSampler(engine, await frozen());
    const samples = await sampler.sample(config.seed, 0, previewCount(output));
    await sampler.dispose();
    await folder.saveSamples(stepCount, previewPng(samples, output));
  };

  const recent = createRunningMean(200);
  let checkpointAt = elapsedSeconds() + config.run.checkpointEverySeconds;
  let grids = Math.floor(progress() * config.run.sampleGrids);
  const upcomingRates = () =>
    upcomingLearningRates(config.optimiser, budget, {
      stepCount,
      elapsedSeconds: elapsedSeconds(),
      count: training.unroll,
    });
  for (let rates = upcomingRates(); rates.length > 0 && !signal.aborted; rates = upcomingRates()) {
    const { losses, seconds } = await training.run(rates);
    const diverged = losses.findIndex((loss) => !Number.isFinite(loss));
    if (diverged >= 0) {
      throw new DivergedError(
        `the loss is ${losses[diverged]} at step ${stepCount + diverged} (learning rate ${rates[diverged]!.toPrecision(3)}). ` +
          `Lower it with --set optimiser.learningRate=${(config.optimiser.learningRate / 3).toPrecision(1)}. ` +
          `The run folder keeps the last good checkpoint, if there was time for one: ${folder.path}.`,
      );
    }
    const recordDue = Math.floor((stepCount + losses.length) / 100) > Math.floor(stepCount / 100);
    stepCount += losses.length;
    for (const loss of losses) recent.add(loss);
    const status = {
      stepCount,
      totalSteps: budget.totalSteps,
      progress: progress(),
      elapsedSeconds: elapsedSeconds(),
      loss: recent.mean(),
      learningRate: rates.at(-1)!,
      samplesPerSecond:
        ((stepCount - startedWith) * config.objective.batchSize) / (elapsedSeconds() - earlierSeconds),
    };
    reporter.training(status);
    if (recordDue) await folder.record({ ...status, seconds });
    if (elapsedSeconds() >= checkpointAt) {
      await saveCheckpoint();
      checkpointAt = elapsedSeconds() + config.run.checkpointEverySeconds;
    }
    if (Math.floor(status.progress * config.run.sampleGrids) > grids) {
      grids = Math.floor(status.progress * config.run.sampleGrids);
      await saveSamples();
    }
  }

  await saveCheckpoint();
  await training.dispose();
  const interrupted = signal.aborted;
  if (!interrupted) {
    await exportModel({ ...request, folder, dataset, engine, stepCount, generator: await frozen() });
  }
  await engine.dispose();
  return { interrupted, folder };
}

/** The data's path where one is given, else the name of a procedural set. */
function pickSource({ data }: Config): { name?: string; path?: string } {
  if (data.path !== null) return { path: data.path };
  return data.name === null ? {} : { name: data.name };
}

/** The mean of the last `size` numbers. */
function createRunningMean(size: number): { add(value: number): void; mean(): number } {
  const values: number[] = [];
  return {
    add(value) {
      values.push(value);
      if (values.length > size) values.shift();
    },
    mean: () => values.reduce((sum, value) => sum + value, 0) / values.length,
  };
}
