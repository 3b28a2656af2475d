/**
 * Training, from configuration to exported bundle. The whole main path is here; mechanism lives in the
 * functions that it calls.
 */

import type { Config } from "./config.ts";
import type { Dataset } from "./data/dataset.ts";
import { type DatasetRequest, loadDataset } from "./data/index.ts";
import { DivergedError } from "./diverged-error.ts";
import { createEngine } from "./engine/index.ts";
import { checkDestination } from "./export/destination.ts";
import { checkExportable, exportModel } from "./export/export-model.ts";
import { foldModelSpace } from "./generators/frozen.ts";
import type { Architecture } from "./generators/generator.ts";
import type { Objective } from "./objectives/objective.ts";
import { prepareTraining } from "./prepare-training.ts";
import { createObserver } from "./report/observer.ts";
import type { Checkpoint } from "./run/checkpoint.ts";
import { createCheckpoints, holdsNumbers } from "./run/checkpoints.ts";
import { withstandDiskFaults } from "./run/disk-faults.ts";
import type { Reporter } from "./run/reporter.ts";
import { createRunFolder, type RunFolder } from "./run/run-folder.ts";
import { createBudget, learningRateAt, upcomingSteps } from "./schedule.ts";

export interface TrainRequest {
  readonly config: Config;
  /** Where the bundle goes. */
  readonly out: string;
  /** The run folder to go on with; a new one if left out. */
  readonly folder?: RunFolder | undefined;
  /** Told what happens; nobody, if left out. */
  readonly reporter?: Reporter | undefined;
  /** Aborted: training stops after the current step and leaves a checkpoint. */
  readonly signal?: AbortSignal | undefined;
  /** Data, a generator and an objective of one's own, in the place of those that the configuration names. */
  readonly dataset?: Dataset | undefined;
  readonly architecture?: Architecture | undefined;
  readonly objective?: Objective | undefined;
  /** Where to go on; from the start if left out. */
  readonly checkpoint?: Checkpoint | undefined;
  /** Checkpoints that would have come first, and why they can't be used. */
  readonly leftOut?: readonly string[];
}

export interface TrainOutcome {
  readonly interrupted: boolean;
  readonly folder: RunFolder;
}

/**
 * Trains a generator as the configuration says and exports it to `out`.
 *
 * @throws InputError if the configuration doesn't fit the data; DivergedError if the loss or a weight stops
 *   being a number; the signal's reason if it is aborted before the first step
 */
export async function train(request: TrainRequest): Promise<TrainOutcome> {
  const { config, checkpoint } = request;
  const { reporter = SILENT, signal = new AbortController().signal } = request;

  await checkDestination(request.out);
  const dataset = request.dataset ?? (await loadDataset({ ...dataRequest(config), signal, reporter }));
  const { train } = dataset;
  reporter.note("data", `data: ${dataset.name}, ${train.count} × ${dataset.shape.join("×")}`, {
    dataset: dataset.name,
    trainCount: train.count,
    shape: dataset.shape,
  });

  const { engine, why } = await createEngine(config.engine);
  reporter.note("engine", `engine: ${why}`, { engine: engine.name });

  const { space, training } = await prepareTraining(engine, config, dataset, {
    check: checkExportable,
    objective: request.objective,
    architecture: request.architecture,
  });
  reporter.note("objective", `objective: ${training.description}`, { description: training.description });
  const budget = createBudget(config.budget, training.stepsPerEpoch);
  const folder = withstandDiskFaults(request.folder ?? (await createRunFolder(config)), reporter);
  reporter.note("run", `run: ${folder.path}`, { run: folder.path });

  let stepCount = 0;
  let earlierSeconds = 0;
  if (checkpoint) {
    await training.restore(checkpoint.training);
    stepCount = checkpoint.stepCount;
    earlierSeconds = checkpoint.elapsedSeconds;
    const { leftOut = [] } = request;
    const without = leftOut.length > 0 ? ` (left out ${leftOut.join("; ")})` : "";
    reporter.note("resume", `resuming at step ${stepCount}${without}`, { stepCount, leftOut });
  }
  const startedAt = performance.now();
  const startedWith = stepCount;
  const elapsedSeconds = () => earlierSeconds + (performance.now() - startedAt) / 1000;
  const progress = () => budget.progress(stepCount, elapsedSeconds());

  const checkpoints = createCheckpoints(folder, config.run.checkpointEverySeconds);
  const diverged = (what: string, steps: number, learningRate: number) =>
    new DivergedError({
      what,
      stepCount: steps,
      learningRate,
      runFolder: folder.path,
      lastGood: checkpoints.lastGood(),
      lowerRate: config.optimiser.learningRate / 3,
    });
  const recent = createRunningMean(200);
  const snapshot = async (): Promise<Checkpoint> => {
    const state = await training.state();
    if (!holdsNumbers(state)) {
      throw diverged(
        "a weight is no number",
        stepCount,
        learningRateAt(config.optimiser, progress(), stepCount),
      );
    }
    return { stepCount, elapsedSeconds: elapsedSeconds(), loss: recent.mean(), training: state };
  };
  /** The generator as it would be exported now. */
  const frozen = async () => foldModelSpace(await training.model(), space);
  /** Seconds that went into each part since the last record. */
  let spent: Record<string, number> = {};
  const look = createObserver(engine, dataset, config);
  const observe = async () => {
    const start = performance.now();
    const seen = await look(await frozen());
    spent["look"] = (spent["look"] ?? 0) + (performance.now() - start) / 1000;
    if (!seen) return;
    const observation = { stepCount, elapsedSeconds: elapsedSeconds(), ...seen };
    await folder.observe(observation);
    reporter.observed(observation);
  };
  /** How many looks at the generator are due: more of them early, when it changes most. */
  const looksDue = () => Math.floor(Math.sqrt(progress()) * config.run.sampleGrids);

  if (!checkpoint) {
    checkpoints.offer(await snapshot());
    await observe();
  }
  const recalls = createRunningMean(16);
  let looks = looksDue();
  const upcoming = () =>
    upcomingSteps(config.optimiser, budget, {
      stepCount,
      elapsedSeconds: elapsedSeconds(),
      count: training.unroll,
      stages: training.stages,
    });
  for (let next = upcoming(); next.learningRates.length > 0 && !signal.aborted; next = upcoming()) {
    const { learningRates: rates, stage } = next;
    const { losses, seconds, recall, figures } = await training.run(rates, stage);
    if (Number.isFinite(losses[0])) await checkpoints.confirm();
    const bad = losses.findIndex((loss) => !Number.isFinite(loss));
    if (bad >= 0) throw diverged(`the loss is ${losses[bad]}`, stepCount + bad, rates[bad]!);
    const recordDue = Math.floor((stepCount + losses.length) / 100) > Math.floor(stepCount / 100);
    stepCount += losses.length;
    for (const loss of losses) recent.add(loss);
    if (recall !== undefined) recalls.add(recall);
    for (const [part, time] of Object.entries(seconds)) spent[part] = (spent[part] ?? 0) + time;
    const status = {
      stepCount,
      totalSteps: budget.totalSteps,
      progress: progress(),
      elapsedSeconds: elapsedSeconds(),
      loss: recent.mean()!,
      learningRate: rates.at(-1)!,
      recall: recalls.mean(),
      samplesPerSecond:
        ((stepCount - startedWith) * config.objective.batchSize) / (elapsedSeconds() - earlierSeconds),
    };
    reporter.training(status);
    if (recordDue) {
      await folder.record({ ...status, ...figures, seconds: spent });
      spent = {};
    }
    if (checkpoints.isDue()) checkpoints.offer(await snapshot());
    if (looksDue() > looks) {
      looks = looksDue();
      await observe();
    }
  }

  checkpoints.offer(await snapshot());
  await checkpoints.confirm();
  const generator = await frozen();
  await training.dispose();
  const interrupted = await exportModel({
    ...{ config, out: request.out, folder, reporter, dataset, engine, stepCount, signal, generator },
    objective: request.objective?.name ?? config.objective.name,
  }).then(
    () => false,
    (error: unknown) => {
      if (error !== signal.reason) throw error;
      return true;
    },
  );
  await engine.dispose();
  folder.close();
  return { interrupted, folder };
}

const SILENT: Reporter = { note() {}, training() {}, observed() {}, working() {}, close() {} };

/** The data's path where one is given, else the name of a procedural set. */
function dataRequest({ data, seed }: Config): DatasetRequest {
  const { path, name, size, channels, strict, stack } = data;
  if (path !== null)
    return { path, seed, size: size === null ? null : [size, size], channels, strict, stack };
  return name === null ? { seed, stack } : { name, seed, stack };
}

/** The mean of the last `size` numbers; null before the first. */
function createRunningMean(size: number): { add(value: number): void; mean(): number | null } {
  const values: number[] = [];
  return {
    add(value) {
      values.push(value);
      if (values.length > size) values.shift();
    },
    mean: () => (values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length),
  };
}
