/**
 * What the IMLE family shares: rounds in which samples and examples are paired, and descent steps that pull the
 * samples towards their examples. Members differ in who is paired with whom (`pairing.ts`).
 */

import { prepareDistance } from "../distances/index.ts";
import { createPlainGenerator, readModel } from "../generators/plain.ts";
import { createSampler } from "../generators/sampler.ts";
import { chooseSearcher } from "../search/index.ts";
import type { PointMaker, PointSource } from "../search/searcher.ts";
import { createComparison } from "./comparison.ts";
import { gradientNorm } from "./gradient-norm.ts";
import { matchedLoss } from "./matched-loss.ts";
import { checkMemory, explainingSearchMemory, explainingStepMemory } from "./memory.ts";
import type { ObjectiveContext, Training } from "./objective.ts";
import { createPairDistances } from "./pair-distances.ts";
import type { Pairing, Pairs, Round } from "./pairing.ts";

/** @throws InputError if the searcher can't search by the distance, or memory can't hold a round */
export async function createMatchedDescent(context: ObjectiveContext, pairing: Pairing): Promise<Training> {
  const { engine, generator, train, space, config, random } = context;
  const { passes, latentJitter, searchMemoryMiB } = config.objective;
  const { latentSize, outputSize: length } = generator;
  const normalSize = latentSize - (generator.labelCounts?.length ?? 0);
  const { pairCount } = pairing;
  const batchSize = Math.min(config.objective.batchSize, pairCount);
  const stepsPerPass = Math.floor(pairCount / batchSize);
  const stepsPerRound = passes * stepsPerPass;

  const distance = await prepareDistance(context);
  const lossOf = (rows: number) => matchedLoss(generator, distance, rows);
  checkMemory({
    engine,
    poolSize: config.objective.poolSize,
    latentSize,
    batchSize,
    lossOf,
    otherBytes: 4 * pairCount * (length + latentSize),
  });

  const comparison = createComparison(engine, distance, length);
  const searcher = context.searcher ?? chooseSearcher(config.objective.searcher, { engine, ...comparison });
  const search = searcher.prepare(engine, { ...comparison, memoryBytes: searchMemoryMiB * 2 ** 20 });
  const parameters = await engine.createParameters(context.firstWeights(), config.optimiser);
  const plain = await createPlainGenerator(engine, generator, { parameters, use: "weights" });
  const maker: PointMaker = {
    latentSize,
    apply: (latents) => comparison.map(plain.generator.apply(latents)),
    parameters: plain.source,
  };
  const sampler = createSampler(
    engine,
    { ...plain.generator, outputSize: comparison.length, apply: maker.apply },
    plain.source,
  );
  const gather = (rows: ArrayLike<number>) => comparison.mapped(space.gather(train, rows));
  const pairDistances = createPairDistances({ engine, ...comparison, gather });
  const { recordsGradient } = config.objective;
  const descent = await engine.compileStep(
    lossOf(batchSize),
    parameters,
    recordsGradient ? { outputs: (gradients) => ({ norm: gradientNorm(gradients) }) } : {},
  );

  let round = 0;
  let stepInRound = 0;
  /** What this round trains on. */
  let pairs: Pairs = { latents: new Float32Array(0), examples: new Int32Array(0) };
  /** The order in which a pass goes over the pairs, and which pass that is. */
  let order = { pass: "", rows: new Uint32Array(0) };

  const examples: PointSource = {
    count: train.count,
    tile: async (first, count) => gather(Array.from({ length: count }, (_, i) => first + i)),
  };

  /** Makes this round's pairs; tells the searches' mean recall, where it is measured, and what the samples took. */
  async function startRound(): Promise<{ recall: number | undefined; sampleSeconds: number }> {
    const draws = random.fork("candidates", round);
    const recalls: number[] = [];
    let sampleSeconds = 0;
    const samplesOf = (latents: Float32Array<ArrayBuffer>): PointSource => {
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
    };
    const tools: Round = {
      number: round,
      latentSize,
      random: draws,
      draw: (count) => draws.fillNormal(new Float32Array(count * latentSize)),
      samplesOf,
      gather,
      distance: comparison.distance,
      examples,
      async nearest(queries, points) {
        const matches = await search.nearest(queries, points);
        if (matches.recall !== undefined) recalls.push(matches.recall);
        return matches;
      },
      distancesTo: (samples, rows) => pairDistances.between(samples, rows),
    };
    await plain.refresh();
    pairs = await pairing.pair(tools);
    const recall = recalls.length > 0 ? recalls.reduce((a, b) => a + b) / recalls.length : undefined;
    return { recall, sampleSeconds };
  }

  /** The pairs of one step of the round: latents, a little moved, and the examples that they should become. */
  function batchOfStep(step: number): {
    latents: Float32Array<ArrayBuffer>;
    targets: Float32Array<ArrayBuffer>;
  } {
    const pass = `${round} ${Math.floor(step / stepsPerPass)}`;
    if (order.pass !== pass) order = { pass, rows: random.fork("order", pass).permutation(pairCount) };
    const first = (step % stepsPerPass) * batchSize;
    const rows = order.rows.subarray(first, first + batchSize);
    const latents = new Float32Array(batchSize * latentSize);
    if (latentJitter > 0) random.fork("jitter", round, step).fillNormal(latents);
    for (let i = 0; i < latents.length; i++) {
      const row = rows[Math.floor(i / latentSize)]!;
      // A class is no number to move.
      const jitter = i % latentSize < normalSize ? latentJitter * latents[i]! : 0;
      latents[i] = pairs.latents[row * latentSize + (i % latentSize)]! + jitter;
    }
    return {
      latents,
      targets: space.gather(
        train,
        Array.from(rows, (row) => pairs.examples[row]!),
      ),
    };
  }

  return {
    description: `${config.objective.name}, ${searcher.name} search`,
    stepsPerEpoch: pairing.roundsPerEpoch * stepsPerRound,
    unroll: descent.unroll,
    async run(learningRates) {
      const losses: number[] = [];
      const seconds = { sample: 0, search: 0, descend: 0 };
      const norms: number[] = [];
      let recall: number | undefined;
      while (losses.length < learningRates.length) {
        const start = performance.now();
        if (stepInRound === 0) {
          const started = await explainingSearchMemory({ engine, searchMemoryMiB }, startRound);
          ({ recall } = started);
          seconds.sample += started.sampleSeconds;
          seconds.search += (performance.now() - start) / 1000 - started.sampleSeconds;
        }
        const middle = performance.now();
        const batches = learningRates
          .slice(losses.length, losses.length + stepsPerRound - stepInRound)
          .map((learningRate, i) => ({
            feeds: batchOfStep(stepInRound + i),
            learningRate,
            ...(recordsGradient && { into: { norm: new Float32Array(1) } }),
          }));
        losses.push(
          ...(await explainingStepMemory({ engine, batchSize, lossOf }, () => descent.run(batches))),
        );
        for (const { into } of batches) if (into) norms.push(into.norm[0]!);
        stepInRound += batches.length;
        if (stepInRound === stepsPerRound) {
          stepInRound = 0;
          round++;
        }
        seconds.descend += (performance.now() - middle) / 1000;
      }
      return {
        losses,
        seconds,
        ...(recall !== undefined && { recall }),
        ...(recordsGradient && {
          figures: { gradientNorm: norms.reduce((sum, norm) => sum + norm, 0) / norms.length },
        }),
      };
    },
    model: () => readModel(engine, generator, parameters),
    state: async () => ({
      parameters: { generator: await parameters.read() },
      counters: { round, stepInRound },
      arrays: { ...pairs, ...pairing.memory?.arrays() },
    }),
    async restore({ parameters: sets, counters, arrays }) {
      await parameters.write(sets["generator"]!);
      round = counters["round"]!;
      stepInRound = counters["stepInRound"]!;
      pairs = {
        latents: arrays["latents"] as Pairs["latents"],
        examples: arrays["examples"] as Pairs["examples"],
      };
      pairing.memory?.restore(arrays);
    },
    async dispose() {
      await descent.dispose();
      await search.dispose();
      await sampler.dispose();
      await plain.dispose();
      await pairDistances.dispose();
      await comparison.dispose();
      await parameters.dispose();
    },
  };
}
