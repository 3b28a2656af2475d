/**
 * What the IMLE family shares: rounds in which examples pick samples out of a set of candidates, and descent
 * steps that pull the picked samples towards their examples. Members differ in what the candidates are.
 */

import type { Random } from "../../shared/random.ts";
import { mean, multiply } from "../autodiff/operators.ts";
import { input } from "../autodiff/tensor.ts";
import { DISTANCES } from "../distances/index.ts";
import { createPlainGenerator } from "../generators/plain.ts";
import { createSampler } from "../generators/sampler.ts";
import { chooseSearcher } from "../search/index.ts";
import type { PointMaker, PointSource, Search } from "../search/searcher.ts";
import { checkMemory, explainingSearchMemory, explainingStepMemory } from "./memory.ts";
import type { ObjectiveContext, Training } from "./objective.ts";

/** What a member of the family chooses candidates with. */
export interface CandidateContext {
  /** The examples that will pick, in model space: [subsetSize, outputSize]. */
  readonly examples: Float32Array<ArrayBuffer>;
  readonly search: Search;
  /** Latents of this round's own; the same in every run with this seed. */
  readonly random: Random;
  /** Samples of the current generator, made tile by tile when asked for. */
  samplesOf(latents: Float32Array<ArrayBuffer>): PointSource;
}

/** The latents of the samples that the examples may pick: [m, latentSize], m ≥ 1. */
export type Candidates = (context: CandidateContext) => Promise<Float32Array<ArrayBuffer>>;

/** @throws InputError if the searcher can't search by the distance */
export async function createMatchedDescent(
  context: ObjectiveContext,
  candidates: Candidates,
): Promise<Training> {
  const { engine, generator, parameters, train, space, config, random } = context;
  const { passes, latentJitter, searchMemoryMiB } = config.objective;
  const { latentSize, outputSize } = generator;
  const subsetSize = Math.min(config.objective.subsetSize, train.count);
  const batchSize = Math.min(config.objective.batchSize, subsetSize);
  const roundsPerEpoch = Math.floor(train.count / subsetSize);
  const stepsPerPass = Math.floor(subsetSize / batchSize);
  const stepsPerRound = passes * stepsPerPass;

  const distance = DISTANCES[config.objective.distance]!;
  const length = outputSize;
  // Per number of a sample, so that a learning rate means the same for every output size.
  const lossOf = (rows: number) => {
    const samples = generator.apply(input("latents", [rows, latentSize]));
    const distances = distance.paired(samples, input("targets", [rows, length]));
    return multiply(mean(distances), 1 / length);
  };
  checkMemory({
    engine,
    poolSize: config.objective.poolSize,
    latentSize,
    batchSize,
    lossOf,
    otherBytes: 4 * subsetSize * (length + latentSize),
  });

  const searcher = chooseSearcher(config.objective.searcher, { engine, distance, length });
  const search = searcher.prepare(engine, { distance, length, memoryBytes: searchMemoryMiB * 2 ** 20 });
  const plain = await createPlainGenerator(engine, generator, { parameters, use: "weights" });
  const sampler = createSampler(engine, plain.generator, plain.source);
  const maker: PointMaker = { latentSize, apply: plain.generator.apply, parameters: plain.source };
  const descent = await engine.compileStep(lossOf(batchSize), parameters);

  let round = 0;
  let stepInRound = 0;
  /** The examples of this round, and the latent of the sample that each of them picked. */
  let subset = new Int32Array(0);
  let matched = new Float32Array(0);
  /** What this round's candidates took to make. */
  let sampleSeconds = 0;
  /** The order in which a pass over the subset goes, and which pass that is. */
  let order = { pass: "", rows: new Uint32Array(0) };

  /** Lets every example of the round's subset pick its nearest candidate; tells the recall, where it is measured. */
  async function match(): Promise<number | undefined> {
    sampleSeconds = 0;
    subset = subsetOfRound();
    await plain.refresh();
    const examples = space.gather(train, subset);
    const latents = await candidates({
      examples,
      search,
      random: random.fork("candidates", round),
      samplesOf,
    });
    const { indices, recall } = await search.nearest(examples, samplesOf(latents));
    matched = new Float32Array(subsetSize * latentSize);
    for (let i = 0; i < subsetSize; i++) {
      const from = indices[i]! * latentSize;
      matched.set(latents.subarray(from, from + latentSize), i * latentSize);
    }
    return recall;
  }

  function samplesOf(latents: Float32Array<ArrayBuffer>): PointSource {
    const rows = (first: number, count: number) =>
      latents.subarray(first * latentSize, (first + count) * latentSize);
    return {
      count: latents.length / latentSize,
      async tile(first, count) {
        const start = performance.now();
        const tile = await sampler.sample(rows(first, count));
        sampleSeconds += (performance.now() - start) / 1000;
        return tile;
      },
      made: { maker, latents: rows },
    };
  }

  /** Every epoch goes through the data once in a new order, so that each example has equal turns. */
  function subsetOfRound(): Int32Array<ArrayBuffer> {
    const epoch = Math.floor(round / roundsPerEpoch);
    const first = (round % roundsPerEpoch) * subsetSize;
    return Int32Array.from(
      random
        .fork("epoch", epoch)
        .permutation(train.count)
        .subarray(first, first + subsetSize),
    );
  }

  /** The matched pairs of one step of the round: latents, a little moved, and the examples that they should become. */
  function batchOfStep(step: number): {
    latents: Float32Array<ArrayBuffer>;
    targets: Float32Array<ArrayBuffer>;
  } {
    const pass = `${round} ${Math.floor(step / stepsPerPass)}`;
    if (order.pass !== pass) order = { pass, rows: random.fork("order", pass).permutation(subsetSize) };
    const first = (step % stepsPerPass) * batchSize;
    const rows = order.rows.subarray(first, first + batchSize);
    const latents = new Float32Array(batchSize * latentSize);
    if (latentJitter > 0) random.fork("jitter", round, step).fillNormal(latents);
    for (let i = 0; i < latents.length; i++) {
      const row = rows[Math.floor(i / latentSize)]!;
      latents[i] = matched[row * latentSize + (i % latentSize)]! + latentJitter * latents[i]!;
    }
    return {
      latents,
      targets: space.gather(
        train,
        Array.from(rows, (row) => subset[row]!),
      ),
    };
  }

  return {
    description: `${config.objective.name}, ${searcher.name} search`,
    stepsPerEpoch: roundsPerEpoch * stepsPerRound,
    unroll: descent.unroll,
    async run(learningRates) {
      const losses: number[] = [];
      const seconds = { sample: 0, search: 0, descend: 0 };
      let recall: number | undefined;
      while (losses.length < learningRates.length) {
        const start = performance.now();
        if (stepInRound === 0) {
          recall = await explainingSearchMemory({ engine, searchMemoryMiB }, match);
          seconds.sample += sampleSeconds;
          seconds.search += (performance.now() - start) / 1000 - sampleSeconds;
        }
        const middle = performance.now();
        const batches = learningRates
          .slice(losses.length, losses.length + stepsPerRound - stepInRound)
          .map((learningRate, i) => ({ feeds: batchOfStep(stepInRound + i), learningRate }));
        losses.push(
          ...(await explainingStepMemory({ engine, batchSize, lossOf }, () => descent.run(batches))),
        );
        stepInRound += batches.length;
        if (stepInRound === stepsPerRound) {
          stepInRound = 0;
          round++;
        }
        seconds.descend += (performance.now() - middle) / 1000;
      }
      return { losses, seconds, ...(recall !== undefined && { recall }) };
    },
    state: () => ({ counters: { round, stepInRound }, arrays: { subset, matched } }),
    restore({ counters, arrays }) {
      round = counters["round"]!;
      stepInRound = counters["stepInRound"]!;
      subset = arrays["subset"] as typeof subset;
      matched = arrays["matched"] as typeof matched;
    },
    async dispose() {
      await descent.dispose();
      await search.dispose();
      await sampler.dispose();
      await plain.dispose();
    },
  };
}
