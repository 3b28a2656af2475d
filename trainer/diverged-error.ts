export interface Divergence {
  /** What went wrong: "the loss is NaN". */
  readonly what: string;
  readonly stepCount: number;
  readonly learningRate: number;
  readonly runFolder: string;
  /** The last checkpoint from before; null: there is none. */
  readonly lastGood: { readonly path: string; readonly stepCount: number } | null;
  /** A lower optimiser.learningRate, to try next. */
  readonly lowerRate: number;
}

/** Training went wrong by itself; the message says at which step, what is left, and what to try. */
export class DivergedError extends Error {
  override readonly name = "DivergedError";

  constructor({ what, stepCount, learningRate, runFolder, lastGood, lowerRate }: Divergence) {
    const next = lastGood
      ? `Last good checkpoint: ${lastGood.path} (step ${lastGood.stepCount}). Go on from it with --resume ${runFolder}`
      : "No checkpoint from before is good. Start again with";
    super(
      `${what} at step ${stepCount} (learning rate ${learningRate.toPrecision(3)}). ` +
        `${next} --set optimiser.learningRate=${lowerRate.toPrecision(1)}.`,
    );
  }
}
