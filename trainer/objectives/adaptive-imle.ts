import type { Numbers } from "../engine/engine.ts";
import { createMatchedDescent } from "./matched-descent.ts";
import type { Objective } from "./objective.ts";
import type { Round } from "./pairing.ts";
import { examplesPick, latentsAt } from "./picking.ts";
import { createSubsets } from "./subsets.ts";

/**
 * Adaptive IMLE: an example keeps the sample that it picked until that one has come nearer than a threshold of the
 * example's own, or has been kept for long; only then it picks again, and its threshold becomes a little less than
 * the new distance. Examples that are hard to reach are worked on for longer, and none is given up for another.
 *
 * A threshold is a share 1 − `tightening` of the distance at the last pick, and may not be met sooner than after
 * `leastStaleness` of the example's turns, nor wait for more than `mostStaleness`.
 *
 * Source: Aghabozorgi, Peng, Li 2023, "Adaptive IMLE for Few-shot Pretraining-free Generative Modelling", ICML.
 */
export const adaptiveImle: Objective = {
  name: "adaptive-imle",
  async prepare(context) {
    const { poolSize, subsetSize, leastStaleness, mostStaleness, tightening } = context.config.objective;
    const { latentSize } = context.generator;
    const { count } = context.train;
    const subsets = createSubsets(count, subsetSize, context.random);
    /** Of every example: its latent, the distance that ends its staleness early, and its turns since it picked. */
    let kept = new Float32Array(count * latentSize);
    let thresholds = new Float32Array(count);
    let turns = new Int32Array(count).fill(mostStaleness);

    async function dueAmong(
      round: Round,
      examples: Int32Array<ArrayBuffer>,
    ): Promise<Int32Array<ArrayBuffer>> {
      const samples = await round.samplesOf(latentsAt(kept, examples, latentSize)).tile(0, examples.length);
      const distances = await round.distancesTo(samples, examples);
      return examples.filter((row, i) => {
        const near = distances[i]! < thresholds[row]! && turns[row]! >= leastStaleness;
        return near || turns[row]! >= mostStaleness;
      });
    }
    async function pickAgain(round: Round, due: Int32Array<ArrayBuffer>): Promise<void> {
      const picked = await examplesPick(round, due, round.draw(poolSize));
      const samples = await round.samplesOf(picked).tile(0, due.length);
      const distances = await round.distancesTo(samples, due);
      due.forEach((row, i) => {
        kept.set(picked.subarray(i * latentSize, (i + 1) * latentSize), row * latentSize);
        thresholds[row] = (1 - tightening) * distances[i]!;
        turns[row] = 0;
      });
    }

    return createMatchedDescent(context, {
      pairCount: subsets.size,
      roundsPerEpoch: subsets.roundsPerEpoch,
      async pair(round) {
        const examples = subsets.ofRound(round.number);
        const due = await dueAmong(round, examples);
        if (due.length > 0) await pickAgain(round, due);
        for (const row of examples) turns[row]!++;
        return { latents: latentsAt(kept, examples, latentSize), examples };
      },
      memory: {
        arrays: () => ({ kept: kept.slice(), thresholds: thresholds.slice(), turns: turns.slice() }),
        restore(arrays: Readonly<Record<string, Numbers>>) {
          kept = arrays["kept"] as typeof kept;
          thresholds = arrays["thresholds"] as typeof thresholds;
          turns = arrays["turns"] as typeof turns;
        },
      },
    });
  },
};
