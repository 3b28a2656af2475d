// An objective of one's own: as `imle`, but of every subset only the half that samples cover worst is trained on.
import {
  createMatchedDescent,
  createSubsets,
  latentsAt,
  openBundle,
  resolveConfig,
  train,
} from "imle-edge/trainer";

/** @type {import("imle-edge/trainer").Objective} */
const hardHalf = {
  name: "hard-half",
  async prepare(context) {
    const { poolSize, subsetSize } = context.config.objective;
    const subsets = createSubsets(context.train.count, subsetSize, context.random);
    const pairCount = Math.ceil(subsets.size / 2);
    return createMatchedDescent(context, {
      pairCount,
      roundsPerEpoch: 2 * subsets.roundsPerEpoch,
      async pair(round) {
        const examples = subsets.ofRound(round.number);
        const pool = round.draw(poolSize);
        const { indices } = await round.nearest(await round.gather(examples), round.samplesOf(pool));
        const nearest = latentsAt(pool, indices, round.latentSize);
        const samples = await round.samplesOf(nearest).tile(0, examples.length);
        const distances = await round.distancesTo(samples, examples);
        const byDistance = [...examples.keys()].sort((a, b) => distances[b] - distances[a]);
        const hard = byDistance.slice(0, pairCount);
        return {
          latents: latentsAt(nearest, hard, round.latentSize),
          examples: Int32Array.from(hard, (i) => examples[i]),
        };
      },
    });
  },
};

const config = resolveConfig("grid", { budget: { steps: Number(process.env.STEPS ?? 10_000) } });
await train({ config, objective: hardHalf, out: "models/hard-half" });
const { manifest } = await openBundle("models/hard-half");
console.log(manifest.training.objective, manifest.metrics);
