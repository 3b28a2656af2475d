import { InputError } from "../input-error.ts";
import { pointsInMemory } from "../search/searcher.ts";
import { type CandidateContext, createMatchedDescent } from "./matched-descent.ts";
import type { Objective } from "./objective.ts";

const TILE_ROWS = 2048;

/**
 * Rejection-sampling IMLE: samples that already lie within `rejectionRadius` of an example are no candidates.
 *
 * Plain IMLE trains only on the best of many samples, and never sees those that fall between the modes. When
 * the good ones are rejected, examples pick from the rest, so that the latents used in training come to be
 * distributed as those drawn at sampling time. Where every sample is rejected, all are candidates again.
 *
 * Examples are those of the round's subset; distances are in model space.
 *
 * Source: Vashist, Peng, Li 2024, "Rejection Sampling IMLE", arXiv:2409.17439.
 */
export const rsImle: Objective = {
  name: "rs-imle",
  async prepare(context) {
    const { poolSize, rejectionRadius } = context.config.objective;
    const { latentSize, outputSize } = context.generator;
    if (rejectionRadius === null) {
      throw new InputError(
        `config: objective "rs-imle" needs objective.rejectionRadius, the distance in model space within which ` +
          `a sample counts as good. Say --set objective.rejectionRadius=0.1.`,
      );
    }
    const latentsOf = (rows: readonly number[], latents: Float32Array) => {
      const chosen = new Float32Array(rows.length * latentSize);
      rows.forEach((row, i) => {
        chosen.set(latents.subarray(row * latentSize, (row + 1) * latentSize), i * latentSize);
      });
      return chosen;
    };
    return createMatchedDescent(
      context,
      async ({ examples, search, random, samplesOf }: CandidateContext) => {
        const latents = random.fillNormal(new Float32Array(poolSize * latentSize));
        const pool = samplesOf(latents);
        const kept: number[] = [];
        for (let first = 0; first < poolSize; first += TILE_ROWS) {
          const samples = await pool.tile(first, Math.min(TILE_ROWS, poolSize - first));
          const { indices } = await search.nearest(samples, pointsInMemory(examples, outputSize));
          for (let i = 0; i < indices.length; i++) {
            const far = squaredL2(samples, i, examples, indices[i]!, outputSize) > rejectionRadius ** 2;
            if (far) kept.push(first + i);
          }
        }
        return kept.length === 0 ? latents : latentsOf(kept, latents);
      },
    );
  },
};

function squaredL2(a: Float32Array, rowA: number, b: Float32Array, rowB: number, length: number): number {
  let sum = 0;
  for (let j = 0; j < length; j++) sum += (a[rowA * length + j]! - b[rowB * length + j]!) ** 2;
  return sum;
}
