import { InputError } from "../../input-error.ts";
import type { Objective, ObjectiveContext } from "../objective.ts";
import { checkLength } from "./check-length.ts";
import { createMaximisation } from "./expectation-maximisation.ts";
import { firstMixture, type Mixture } from "./mixture.ts";
import { mixtureModel } from "./mixture-layers.ts";

/** Rows that the components begin on. */
const MOST_FIRST_ROWS = 4096;
/** The layers grow with the square of it, and a component has as many numbers. */
const MOST_NUMBERS = 128;
/** Nats a row: an iteration that gains less is the last. */
const LEAST_GAIN = 1e-6;

/**
 * A mixture of Gaussians with covariances of their own, fitted by expectation maximisation: a step is an iteration over
 * all examples. It takes the place of the generator, whose latent is one number longer than an example. The loss is the
 * negative log-likelihood per number, in nats.
 */
export const gaussianMixture: Objective = {
  name: "gaussian-mixture",
  async prepare(context) {
    check(context);
    const { engine, train, space, config, random } = context;
    const { components } = config.objective;
    const { count, length } = train;
    const rowsAt = (order: ArrayLike<number>) => space.gather(train, order);
    const some = random.fork("rows").permutation(count).subarray(0, MOST_FIRST_ROWS);
    let mixture: Mixture = firstMixture(rowsAt(some), length, components, random.fork("centres"));
    let logLikelihood = -Number.MAX_VALUE;
    let isDone = false;
    const maximisation = createMaximisation(
      engine,
      { count, length, of: (first, rows) => rowsAt(Array.from({ length: rows }, (_, i) => first + i)) },
      components,
    );

    async function iterate(): Promise<void> {
      const better = await maximisation.iterate(mixture);
      isDone = better.logLikelihood - logLikelihood < LEAST_GAIN;
      ({ mixture, logLikelihood } = better);
    }

    return {
      description: `gaussian-mixture of ${components} components`,
      stepsPerEpoch: 1,
      unroll: 1,
      async run(learningRates) {
        const start = performance.now();
        const losses: number[] = [];
        for (const _ of learningRates) {
          if (!isDone) await iterate();
          losses.push(-logLikelihood / length);
        }
        return { losses, seconds: { iterate: (performance.now() - start) / 1000 } };
      },
      model: async () => mixtureModel(mixture),
      state: async () => ({
        parameters: {},
        counters: { logLikelihood, isDone: Number(isDone) },
        arrays: { ...mixture },
      }),
      async restore({ counters, arrays }) {
        mixture = arrays as unknown as Mixture;
        logLikelihood = counters["logLikelihood"]!;
        isDone = counters["isDone"] === 1;
      },
      dispose: () => maximisation.dispose(),
    };
  },
};

function check({ train, config }: ObjectiveContext): void {
  const { components } = config.objective;
  checkLength("gaussian-mixture", train.length, MOST_NUMBERS);
  if (components > Math.min(train.count, MOST_FIRST_ROWS)) {
    throw new InputError(
      `config: objective.components is ${components}, the data have ${train.count} examples to begin on, of which ` +
        `${MOST_FIRST_ROWS} at most are looked at. Say --set objective.components=${Math.min(train.count, 8)}.`,
    );
  }
}
