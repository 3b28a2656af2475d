import type { Random } from "../../shared/random.ts";
import type { PointSource } from "../search/searcher.ts";
import { createMatchedDescent } from "./matched-descent.ts";
import type { Objective } from "./objective.ts";
import type { Pairs, Round } from "./pairing.ts";
import { concatenated, examplesPick, latentsAt } from "./picking.ts";
import { createSubsets } from "./subsets.ts";

const TILE_ROWS = 2048;
/** Examples whose nearest neighbours say how near examples are to each other. */
const RADIUS_EXAMPLES = 1000;

/**
 * Rejection-sampling IMLE: samples that already lie within `rejectionRadius` of an example are no candidates.
 *
 * Plain IMLE trains only on the best of many samples, and never sees those that fall between the modes. When
 * the good ones are rejected, examples pick from the rest, so that the latents used in training come to be
 * distributed as those drawn at sampling time. Where every sample is rejected, all are candidates again.
 * Without a radius, it is the median distance of an example to the nearest other one: as near as data are to data.
 *
 * With a `reverseShare`, candidates themselves pick, in that share of the pairs: each is pulled towards the example
 * nearest to it, which empties the space between narrow modes. In the rest examples pick, so that modes are not given up;
 * near to a share of 1 some are. They pick among the whole pool then: who is far is taken care of, and the samples near
 * to the data spread within a mode. The fewer candidates are left, the more often each of them picks: examples in their
 * place would pull what lies on the border of two modes to and fro.
 *
 * Distances are those of `config.objective.distance`, in model space.
 *
 * Source: Vashist, Peng, Li 2024, "Rejection Sampling IMLE", arXiv:2409.17439; that samples pick too is ours.
 */
export const rsImle: Objective = {
  name: "rs-imle",
  async prepare(context) {
    const { poolSize, subsetSize, rejectionRadius, reverseShare } = context.config.objective;
    const subsets = createSubsets(context.train.count, subsetSize, context.random);
    const mostPicking = Math.round(subsets.size * (reverseShare ?? 0));
    let neighbourDistance: Promise<number> | undefined;
    return createMatchedDescent(context, {
      pairCount: subsets.size,
      roundsPerEpoch: subsets.roundsPerEpoch,
      async pair(round): Promise<Pairs> {
        const turn = subsets.ofRound(round.number);
        if (rejectionRadius === null) neighbourDistance ??= medianNeighbourDistance(round, context.random);
        const radius =
          rejectionRadius === null ? await neighbourDistance! : round.distance.pairedAt(rejectionRadius);
        const pool = round.draw(poolSize);
        const far = await farSamples(round, round.samplesOf(pool), radius);
        const candidates = far.rows.length === 0 ? pool : latentsAt(pool, far.rows, round.latentSize);
        const picking = far.rows.length === 0 ? [] : cycled(far.rows.length, mostPicking);
        const rest = turn.subarray(picking.length);
        const pickable = mostPicking > 0 ? pool : candidates;
        return {
          latents: concatenated(
            latentsAt(candidates, picking, round.latentSize),
            await examplesPick(round, rest, pickable),
          ),
          examples: Int32Array.from([...picking.map((i) => far.nearest[i]!), ...rest]),
        };
      },
    });
  },
};

/** The first `length` of 0, 1, … count − 1, 0, 1, … */
const cycled = (count: number, length: number) => Array.from({ length }, (_, i) => i % count);

interface FarSamples {
  /** Of the pool. */
  readonly rows: number[];
  /** The training example nearest to each. */
  readonly nearest: number[];
}

/** The samples of the pool that lie further than `radius`, as `Distance.paired` has it, from every training example. */
async function farSamples(round: Round, pool: PointSource, radius: number): Promise<FarSamples> {
  const far: FarSamples = { rows: [], nearest: [] };
  for (let first = 0; first < pool.count; first += TILE_ROWS) {
    const samples = await pool.tile(first, Math.min(TILE_ROWS, pool.count - first));
    const { indices } = await round.nearest(samples, round.examples);
    const distances = await round.distancesTo(samples, indices);
    for (let i = 0; i < indices.length; i++) {
      if (distances[i]! <= radius) continue;
      far.rows.push(first + i);
      far.nearest.push(indices[i]!);
    }
  }
  return far;
}

/** Of some training examples to the nearest of the others, as `Distance.paired` has it. */
async function medianNeighbourDistance(round: Round, random: Random): Promise<number> {
  const { count } = round.examples;
  const order = random.fork("neighbour distance").permutation(count);
  const asked = Math.min(RADIUS_EXAMPLES, Math.floor(count / 2));
  if (asked === 0) return 0;
  const queries = await round.gather(order.subarray(0, asked));
  const others = order.subarray(asked);
  const { indices } = await round.nearest(queries, {
    count: others.length,
    tile: (first, rows) => round.gather(others.subarray(first, first + rows)),
  });
  const distances = await round.distancesTo(
    queries,
    Int32Array.from(indices, (index) => others[index]!),
  );
  return distances.sort()[Math.floor(asked / 2)]!;
}
