/** Looks at the generator now and then as it is trained: a picture of samples, and training examples' match distance. */

import type { Config } from "../config.ts";
import type { Dataset } from "../data/dataset.ts";
import type { Engine } from "../engine/engine.ts";
import { outputSpecOf } from "../export/output-spec.ts";
import { previewCount, previewPng } from "../export/preview.ts";
import { createSeededSampler, type FrozenGenerator } from "../generators/frozen.ts";
import { createProbe } from "./probe.ts";
import { type Spread, spreadOf } from "./spread.ts";

export interface Observation {
  /** Of some training examples to their nearest sample, L2 in output units. */
  readonly matchDistance: Spread;
  /** Of the same to the nearest of as many other training examples; null where there are none. */
  readonly realDistance: Spread | null;
  /** A PNG of the same samples every time. */
  readonly picture: Uint8Array<ArrayBuffer>;
}

/** Enough for a curve: a tenth of the samples that a round of IMLE draws. */
const SIZE = { examples: 500, samples: 1000 };

/** @returns looks at the generator as it would be exported; null: it has diverged, as the next loss will tell */
export function createObserver(
  engine: Engine,
  dataset: Dataset,
  { seed }: Pick<Config, "seed">,
): (generator: FrozenGenerator) => Promise<Observation | null> {
  const output = outputSpecOf(dataset);
  const shown = previewCount(output);
  const probe = createProbe(engine, dataset, seed, SIZE);
  let real: Promise<Spread | null> | undefined;
  return async (generator) => {
    const sampler = await createSeededSampler(engine, generator);
    const samples = await sampler.sample(seed, 0, Math.max(probe.sampleCount, shown));
    await sampler.dispose();
    if (!samples.every(Number.isFinite)) return null;
    const { length } = dataset.train;
    const { distances } = await probe.nearest(samples.subarray(0, probe.sampleCount * length));
    real ??= probe.nearestReal().then((found) => found && spreadOf(found));
    return {
      matchDistance: spreadOf(distances),
      realDistance: await real,
      picture: previewPng(samples.subarray(0, shown * length), output, dataset.train),
    };
  };
}
