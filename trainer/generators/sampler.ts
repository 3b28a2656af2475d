/** Samples from a generator on an engine, without gradients. */

import { input } from "../autodiff/tensor.ts";
import type { Engine, Executable, ParameterSource } from "../engine/engine.ts";
import type { Generator } from "./generator.ts";

export interface Sampler {
  /** [n, latentSize] → [n, outputSize], in model space; overwritten by the next call with the same n. */
  sample(latents: Float32Array<ArrayBuffer>): Promise<Float32Array<ArrayBuffer>>;
  dispose(): Promise<void>;
}

/** Runs the generator forward; compiles once per number of samples. */
export function createSampler(engine: Engine, generator: Generator, source: ParameterSource): Sampler {
  const programs = new Map<number, Promise<Executable>>();
  return {
    async sample(latents) {
      const count = latents.length / generator.latentSize;
      let program = programs.get(count);
      if (!program) {
        const samples = generator.apply(input("latents", [count, generator.latentSize]));
        program = engine.compile({ samples }, source);
        programs.set(count, program);
      }
      const { samples } = await (await program).run({ latents });
      return samples as Float32Array<ArrayBuffer>;
    },
    async dispose() {
      for (const program of programs.values()) await (await program).dispose();
      programs.clear();
    },
  };
}
