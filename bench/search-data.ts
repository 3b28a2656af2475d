/**
 * What `bench -- search` searches: for examples of a data set, among samples of a generator that was trained on it
 * for a while, as every search in training does.
 */

import { createRandom } from "../shared/random.ts";
import { type Config, resolveConfig } from "../trainer/config.ts";
import type { Dataset } from "../trainer/data/dataset.ts";
import { loadDataset } from "../trainer/data/index.ts";
import { modelSpaceOf } from "../trainer/data/model-space.ts";
import type { Engine } from "../trainer/engine/engine.ts";
import { createOnnxEngine } from "../trainer/engine/onnx-engine.ts";
import { createSeededSampler, type FrozenGenerator } from "../trainer/generators/frozen.ts";
import { prepareTraining } from "../trainer/prepare-training.ts";
import { createBudget, upcomingSteps } from "../trainer/schedule.ts";
import type { BenchmarkOptions } from "./row.ts";

export interface SearchTask {
  /** [n, length] */
  readonly queries: Float32Array<ArrayBuffer>;
  /** [m, length] */
  readonly points: Float32Array<ArrayBuffer>;
  readonly length: number;
}

export interface TaskSize {
  readonly data: "digits" | "pictures" | "noise";
  readonly queries: number;
  readonly points: number;
  /** In pixels; pictures are shrunk to it. */
  readonly side: number;
}

/** A data set, and a generator that has learnt from it for some steps. */
export interface Subject {
  readonly dataset: Dataset;
  readonly generator: FrozenGenerator;
}

export interface Subjects {
  /** Null where what it needs wasn't given. */
  task(size: TaskSize): Promise<SearchTask | null>;
  /** CIFAR-10 and its preset's generator; null where it wasn't given. */
  pictures(): Promise<Subject | null>;
}

const SEED = 1;
/** About as far as it takes for samples to look like the data as a whole. */
const STEPS = { "mnist-imle": 500, glyphs: 500, cifar10: 300 };

/** Trains each generator when it is first asked for. */
export function createSubjects(
  { mnist, cifar10 }: BenchmarkOptions,
  report: (line: string) => void,
): Subjects {
  const subjectOf = async (preset: keyof typeof STEPS, dataPath?: string): Promise<Subject> => {
    report(`search: ${STEPS[preset]} training steps of preset ${preset} …`);
    const budget = { steps: STEPS[preset] };
    const config = resolveConfig(preset, { dataPath, seed: SEED, objective: "imle", budget });
    const { path, name, size, channels } = config.data;
    const dataset = await loadDataset(
      path === null
        ? { name: name!, seed: SEED }
        : { path, seed: SEED, size: size === null ? null : [size, size], channels },
    );
    const engine = createOnnxEngine();
    const generator = await trainedGenerator(engine, config, dataset);
    await engine.dispose();
    return { dataset, generator };
  };
  const digits = once(() => {
    if (mnist !== null) return subjectOf("mnist-imle", mnist);
    report("search: glyphs instead of MNIST, which wasn't given (--data).");
    return subjectOf("glyphs");
  });
  const pictures = once(async () => {
    if (cifar10 !== null) return subjectOf("cifar10", cifar10);
    report("search: rows of 3,072 numbers are left out, because they need CIFAR-10. Give it with --cifar10.");
    return null;
  });
  return {
    pictures,
    async task(size) {
      if (size.data === "noise") return noise(size);
      const subject = await (size.data === "digits" ? digits() : pictures());
      return subject && taskOf(subject, size);
    },
  };
}

/** The configuration's generator after as many steps as its budget has: the weights in training, not their average. */
async function trainedGenerator(engine: Engine, config: Config, dataset: Dataset): Promise<FrozenGenerator> {
  const optimiser = { ...config.optimiser, averageDecay: 0 };
  const { training } = await prepareTraining(engine, { ...config, optimiser }, dataset);
  const budget = createBudget(config.budget, training.stepsPerEpoch);
  const at = { stepCount: 0, elapsedSeconds: 0, count: config.budget.steps! };
  await training.run(upcomingSteps(config.optimiser, budget, at).learningRates);
  const model = await training.model();
  await training.dispose();
  return model;
}

/** Some of the training examples in model space, [count, length]; the same ones every time. */
export function someExamples({ dataset }: Subject, count: number): Float32Array<ArrayBuffer> {
  const rows = createRandom(SEED).permutation(dataset.train.count).subarray(0, count);
  return modelSpaceOf(dataset).gather(dataset.train, rows);
}

async function taskOf(subject: Subject, { queries, points, side }: TaskSize): Promise<SearchTask> {
  const engine = createOnnxEngine();
  const sampler = await createSeededSampler(engine, subject.generator);
  const samples = await sampler.sample(SEED, 0, points);
  await engine.dispose();
  const [, width = side, channels = 1] = subject.dataset.shape;
  const small = (images: Float32Array<ArrayBuffer>) => shrunk(images, width, channels, width / side);
  return {
    queries: small(someExamples(subject, queries)),
    points: small(samples),
    length: side * side * channels,
  };
}

function noise({ queries, points, side }: TaskSize): SearchTask {
  const length = side * side;
  const normals = (stream: string, count: number) =>
    createRandom(SEED)
      .fork(stream)
      .fillNormal(new Float32Array(count * length));
  return { queries: normals("queries", queries), points: normals("points", points), length };
}

/** Square images [n, width, width, channels] with squares of `factor` × `factor` pixels averaged. */
function shrunk(
  images: Float32Array<ArrayBuffer>,
  width: number,
  channels: number,
  factor: number,
): Float32Array<ArrayBuffer> {
  if (factor === 1) return images;
  const side = width / factor;
  const small = new Float32Array(images.length / factor ** 2);
  for (let i = 0; i < images.length; i++) {
    const channel = i % channels;
    const x = Math.floor(i / channels) % width;
    const row = Math.floor(i / channels / width); // of all images' rows
    const to = (Math.floor(row / factor) * side + Math.floor(x / factor)) * channels + channel;
    small[to]! += images[i]! / factor ** 2;
  }
  return small;
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
