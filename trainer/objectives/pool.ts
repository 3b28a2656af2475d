/** A pool of fresh samples: latents in memory, samples made tile by tile when the search asks for them. */

import type { Random } from "../../shared/random.ts";
import type { Engine, Parameters } from "../engine/engine.ts";
import type { Generator } from "../generators/generator.ts";
import { createSampler } from "../generators/sampler.ts";
import type { PointSource } from "../search/searcher.ts";

export interface Pool {
  /** New latents from `random`: [size, latentSize] float32, and the samples that they give under the current weights. */
  draw(random: Random): { latents: Float32Array<ArrayBuffer>; points: PointSource };
  dispose(): Promise<void>;
}

export function createPool(engine: Engine, generator: Generator, parameters: Parameters, size: number): Pool {
  const sampler = createSampler(engine, generator, { parameters, use: "weights" });
  const { latentSize } = generator;
  return {
    draw(random) {
      const latents = random.fillNormal(new Float32Array(size * latentSize));
      const tile = (first: number, count: number) =>
        sampler.sample(latents.subarray(first * latentSize, (first + count) * latentSize));
      return { latents, points: { count: size, tile } };
    },
    dispose: () => sampler.dispose(),
  };
}
