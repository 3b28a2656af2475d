/**
 * Implicit Maximum Likelihood Estimation.
 *
 * Each round draws a pool of samples, lets every example of a subset of the data pick its nearest sample,
 * and then pulls those samples towards the examples that picked them. Examples choose samples, not the other
 * way round, so no example goes unmatched; that is why no mode is dropped.
 *
 * Source: Li & Malik 2018, "Implicit Maximum Likelihood Estimation", arXiv:1809.09087, algorithm 1.
 */

import { mean, multiply } from "../autodiff/operators.ts";
import { input } from "../autodiff/tensor.ts";
import { DISTANCES } from "../distances/index.ts";
import { InputError } from "../input-error.ts";
import { SEARCHERS } from "../search/index.ts";
import type { Objective } from "./objective.ts";
import { createPool } from "./pool.ts";

export const imle: Objective = {
  name: "imle",
  async prepare({ engine, generator, parameters, train, space, config, random }) {
    const { poolSize, passes, latentJitter, searchMemoryMiB } = config.objective;
    const { latentSize, outputSize } = generator;
    const subsetSize = Math.min(config.objective.subsetSize, train.count);
    const batchSize = Math.min(config.objective.batchSize, subsetSize);
    const roundsPerEpoch = Math.floor(train.count / subsetSize);
    const stepsPerPass = Math.floor(subsetSize / batchSize);
    const stepsPerRound = passes * stepsPerPass;

    const distance = DISTANCES[config.objective.distance]!;
    const searcher = SEARCHERS[config.objective.searcher]!;
    if (!searcher.distances.includes(distance.name)) {
      throw new InputError(
        `config: searcher "${searcher.name}" supports ${searcher.distances.join(", ")}, ` +
          `got distance "${distance.name}". Use searcher "exact".`,
      );
    }

    const pool = createPool(engine, generator, parameters, poolSize);
    const search = searcher.prepare(engine, {
      distance,
      length: outputSize,
      memoryBytes: searchMemoryMiB * 2 ** 20,
    });
    const samples = generator.apply(input("latents", [batchSize, latentSize]));
    const distances = distance.paired(samples, input("targets", [batchSize, outputSize]));
    // Per number of a sample, so that a learning rate means the same for every output size.
    const descent = await engine.compileStep(multiply(mean(distances), 1 / outputSize), parameters);

    let round = 0;
    let stepInRound = 0;
    /** The examples of this round, and the latent of the sample that each of them picked. */
    let subset: Int32Array<ArrayBuffer> = new Int32Array(0);
    let matched: Float32Array<ArrayBuffer> = new Float32Array(0);
    /** The order in which a pass over the subset goes, and which pass that is. */
    let order = { pass: "", rows: new Uint32Array(0) };

    /** Draws a pool and lets every example of the round's subset pick its nearest sample. */
    async function match(): Promise<void> {
      subset = subsetOfRound(round);
      const { latents, points } = pool.draw(random.fork("pool", round));
      const { indices } = await search.nearest(space.gather(train, subset), points);
      matched = new Float32Array(subsetSize * latentSize);
      for (let i = 0; i < subsetSize; i++) {
        const from = indices[i]! * latentSize;
        matched.set(latents.subarray(from, from + latentSize), i * latentSize);
      }
    }

    /** Every epoch goes through the data once in a new order, so that each example has equal turns. */
    function subsetOfRound(round: number): Int32Array<ArrayBuffer> {
      const epoch = Math.floor(round / roundsPerEpoch);
      const first = (round % roundsPerEpoch) * subsetSize;
      const order = random.fork("epoch", epoch).permutation(train.count);
      return Int32Array.from(order.subarray(first, first + subsetSize));
    }

    /** The matched pairs of one step: latents, a little moved, and the examples that they should become. */
    function batchOfStep(): { latents: Float32Array<ArrayBuffer>; targets: Float32Array<ArrayBuffer> } {
      const pass = Math.floor(stepInRound / stepsPerPass);
      if (order.pass !== `${round} ${pass}`) {
        order = { pass: `${round} ${pass}`, rows: random.fork("order", round, pass).permutation(subsetSize) };
      }
      const first = (stepInRound % stepsPerPass) * batchSize;
      const rows = order.rows.subarray(first, first + batchSize);
      const latents = random
        .fork("jitter", round, stepInRound)
        .fillNormal(new Float32Array(batchSize * latentSize));
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
      stepsPerEpoch: roundsPerEpoch * stepsPerRound,
      async step(learningRate) {
        const start = performance.now();
        if (stepInRound === 0) await match();
        const middle = performance.now();
        const loss = await descent.run(batchOfStep(), { learningRate });
        stepInRound++;
        if (stepInRound === stepsPerRound) {
          stepInRound = 0;
          round++;
        }
        const seconds = { match: (middle - start) / 1000, descend: (performance.now() - middle) / 1000 };
        return { loss, seconds };
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
        await pool.dispose();
      },
    };
  },
};
