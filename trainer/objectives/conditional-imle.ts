import { withLabels } from "../../shared/generator-inputs.ts";
import { createMatchedDescent } from "./matched-descent.ts";
import type { Objective } from "./objective.ts";
import type { Round } from "./pairing.ts";
import { examplesPick } from "./picking.ts";
import { createSubsets } from "./subsets.ts";

/**
 * Class-conditional IMLE: the generator is told a class, and every example picks its nearest among the samples of its
 * own class. So no mode of any class is dropped, and a class can be asked for.
 *
 * Source: Li, Zhang, Malik 2018, "Diverse Image Synthesis from Semantic Layouts via Conditional IMLE",
 * arXiv:1811.12373, with the class as the condition.
 */
export const conditionalImle: Objective = {
  name: "conditional-imle",
  takesLabels: true,
  async prepare(context) {
    const { train, config, generator } = context;
    const { poolSize, subsetSize } = config.objective;
    const labelCounts = generator.labelCounts!;
    const labels = train.labels!;
    const subsets = createSubsets(train.count, subsetSize, context.random);
    const latentSize = generator.latentSize - labelCounts.length;

    /** As many of the pool's samples as the class has of the examples, and one at least. */
    function samplesOf(label: number, share: number, { random }: Round): Float32Array<ArrayBuffer> {
      const count = Math.max(1, Math.round(poolSize * share));
      const latents = random.fork("class", label).fillNormal(new Float32Array(count * latentSize));
      return withLabels(latents, new Array<number>(count).fill(label), { latentSize, labelCounts });
    }

    return createMatchedDescent(context, {
      pairCount: subsets.size,
      roundsPerEpoch: subsets.roundsPerEpoch,
      async pair(round) {
        const turn = subsets.ofRound(round.number);
        // By class, so that one search serves all examples of it.
        const examples = turn.toSorted((a, b) => labels[a]! - labels[b]! || a - b);
        const inputs = new Float32Array(examples.length * generator.latentSize);
        for (let first = 0, end = 0; first < examples.length; first = end) {
          const label = labels[examples[first]!]!;
          while (end < examples.length && labels[examples[end]!] === label) end++;
          const rows = examples.subarray(first, end);
          const picked = await examplesPick(
            round,
            rows,
            samplesOf(label, rows.length / examples.length, round),
          );
          inputs.set(picked, first * generator.latentSize);
        }
        return { latents: inputs, examples };
      },
    });
  },
};
