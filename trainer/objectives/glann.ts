import { codeSpaceOf } from "../data/code-space.ts";
import type { Rows } from "../data/dataset.ts";
import { foldModelSpace } from "../generators/frozen.ts";
import { inSequence } from "../generators/in-sequence.ts";
import { mlp } from "../generators/mlp.ts";
import { InputError } from "../input-error.ts";
import { createCodeTraining } from "./learned-codes.ts";
import type { Objective, ObjectiveContext, Training, TrainingState } from "./objective.ts";

/**
 * Generative latent nearest neighbours: first a code for every example, and a generator that makes the examples of
 * their codes; then, on the codes as data, a map from normal latents to codes. What is exported makes a code of a
 * latent and a sample of the code. A map in closed form takes no steps: it is fitted to the codes of the moment.
 *
 * The generator's latent is the code, so `generator.latentSize` is the code's size.
 *
 * Source: Hoshen, Li, Malik 2019, "Non-Adversarial Image Synthesis with Generative Latent Nearest Neighbors",
 * arXiv:1812.08985.
 *
 * @param mapObjectives what may learn the map, by the name that `objective.mapObjective` takes
 */
export function glann(mapObjectives: Readonly<Record<string, Objective>>): Objective {
  return {
    name: "glann",
    async prepare(context) {
      const { codeShare, mapObjective } = context.config.objective;
      checkCodeSize(context);
      const codes = await createCodeTraining(context);
      const startMap = () => mapTraining(mapObjectives[mapObjective]!, codes.codes, context);
      /** The map before its first step, which in closed form is all there is: seconds of work for 50,000 codes. */
      const untrainedMap = async () => {
        const { training, model } = await startMap();
        const { description, isClosedForm = false } = training;
        const untrained = { description, isClosedForm, model: await model() };
        await training.dispose();
        return untrained;
      };
      // Whatever doesn't fit shows before the first step.
      const firstMap = await untrainedMap();
      const { description, isClosedForm } = firstMap;
      /** Of the codes as they are, until a step moves them. */
      let fittedMap: typeof firstMap | undefined = firstMap;
      let map: Awaited<ReturnType<typeof startMap>> | undefined;
      const mapModel = async () => {
        if (map) return map.model();
        if (!isClosedForm) return firstMap.model;
        fittedMap ??= await untrainedMap();
        return fittedMap.model;
      };

      return {
        description: `glann, ${codes.description}, then ${description}`,
        stepsPerEpoch: codes.stepsPerEpoch,
        unroll: codes.unroll,
        ...(!isClosedForm && { stages: [codeShare, 1 - codeShare] }),
        async run(learningRates, stage = 0) {
          fittedMap = undefined;
          if (stage === 1) map ??= await startMap();
          const report = await (map?.training ?? codes).run(learningRates);
          return { ...report, figures: { ...report.figures, stage: map ? 1 : 0 } };
        },
        async model() {
          return inSequence(await mapModel(), await codes.model());
        },
        async state() {
          const ofMap = map ? under("map/", await map.training.state()) : NOTHING;
          return joined(await codes.state(), ofMap);
        },
        async restore(state) {
          fittedMap = undefined;
          await codes.restore(state);
          const ofMap = from("map/", state);
          if (Object.keys(ofMap.counters).length === 0) return;
          map ??= await startMap();
          await map.training.restore(ofMap);
        },
        async dispose() {
          await codes.dispose();
          await map?.training.dispose();
        },
      };
    },
  };
}

/** What learns to make such codes [train.count, codeSize], and its model, in the codes' own units. */
async function mapTraining(
  objective: Objective,
  codes: Float32Array<ArrayBuffer>,
  context: ObjectiveContext,
) {
  const { engine, config, random, generator } = context;
  const train: Rows = {
    count: context.train.count,
    length: generator.latentSize,
    values: codes.slice(),
    labels: context.train.labels,
  };
  const space = codeSpaceOf(train);
  const map = mlp({
    latentSize: config.objective.mapLatentSize,
    hidden: config.objective.mapHidden,
    channels: [],
    activation: "relu",
    normalisation: "batch",
    outputShape: [train.length],
    outputActivation: "linear",
  });
  const training: Training = await objective.prepare({
    engine,
    generator: map,
    firstWeights: () => map.initialParameters(random.fork("map weights")),
    train,
    shape: [train.length],
    space,
    config: { ...config, objective: { ...config.objective, name: objective.name, distance: "l2" } },
    random: random.fork("map"),
  });
  return { training, model: async () => foldModelSpace(await training.model(), space) };
}

function checkCodeSize({ generator, train }: ObjectiveContext): void {
  const { latentSize } = generator;
  if (latentSize >= train.length) {
    throw new InputError(
      `config: objective "glann" learns codes that are smaller than the data: generator.latentSize is ${latentSize}, ` +
        `an example has ${train.length} numbers. ` +
        (train.length > 2
          ? `Say --set generator.latentSize=${Math.floor(train.length / 2)}, or less.`
          : `Use objective "imle".`),
    );
  }
  if (latentSize > train.count) {
    throw new InputError(
      `config: objective "glann" begins with as many directions as a code has numbers: generator.latentSize is ` +
        `${latentSize}, the data have ${train.count} examples. Say --set generator.latentSize=${train.count}, or less.`,
    );
  }
}

const NOTHING: TrainingState = { parameters: {}, counters: {}, arrays: {} };

function joined(a: TrainingState, b: TrainingState): TrainingState {
  return {
    parameters: { ...a.parameters, ...b.parameters },
    counters: { ...a.counters, ...b.counters },
    arrays: { ...a.arrays, ...b.arrays },
  };
}

/** The state with a prefix before every name. */
function under(prefix: string, { parameters, counters, arrays }: TrainingState): TrainingState {
  const renamed = <Value>(values: Readonly<Record<string, Value>>) =>
    Object.fromEntries(Object.entries(values).map(([name, value]) => [prefix + name, value]));
  return { parameters: renamed(parameters), counters: renamed(counters), arrays: renamed(arrays) };
}

/** What has the prefix, without it. */
function from(prefix: string, { parameters, counters, arrays }: TrainingState): TrainingState {
  const renamed = <Value>(values: Readonly<Record<string, Value>>) =>
    Object.fromEntries(
      Object.entries(values)
        .filter(([name]) => name.startsWith(prefix))
        .map(([name, value]) => [name.slice(prefix.length), value]),
    );
  return { parameters: renamed(parameters), counters: renamed(counters), arrays: renamed(arrays) };
}
