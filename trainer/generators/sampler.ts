/** Samples from a generator on an engine, without gradients. */

import { input } from "../autodiff/tensor.ts";
import type { Engine, Executable, ParameterSource } from "../engine/engine.ts";
import { paddedRows, padRows } from "../engine/padding.ts";
import type { Generator } from "./generator.ts";

export interface Sampler {
  /** [n, latentSize] → [n, outputSize], in model space; valid until the next call. */
  sample(latents: Float32Array<ArrayBuffer>): Promise<Float32Array<ArrayBuffer>>;
  dispose(): Promise<void>;
}

const BLOCK_ROWS = 2048;

export function createSampler(engine: Engine, generator: Generator, source: ParameterSource): Sampler {
  const { latentSize, outputSize } = generator;
  const programs = new Map<number, Promise<Executable>>();

  function programFor(rows: number): Promise<Executable> {
    let program = programs.get(rows);
    if (!program) {
      program = engine.compile({ samples: generator.apply(input("latents", [rows, latentSize])) }, source);
      programs.set(rows, program);
    }
    return program;
  }

  async function sampleBlock(latents: Float32Array<ArrayBuffer>): Promise<Float32Array<ArrayBuffer>> {
    const count = latents.length / latentSize;
    const rows = paddedRows(count, BLOCK_ROWS);
    const { samples } = await (await programFor(rows)).run({ latents: padRows(latents, latentSize, rows) });
    return (samples as Float32Array<ArrayBuffer>).subarray(0, count * outputSize);
  }

  return {
    async sample(latents) {
      const count = latents.length / latentSize;
      if (count <= BLOCK_ROWS) return sampleBlock(latents);
      const samples = new Float32Array(count * outputSize);
      for (let first = 0; first < count; first += BLOCK_ROWS) {
        const rows = Math.min(BLOCK_ROWS, count - first);
        const block = await sampleBlock(latents.subarray(first * latentSize, (first + rows) * latentSize));
        samples.set(block, first * outputSize);
      }
      return samples;
    },
    async dispose() {
      for (const program of programs.values()) await (await program).dispose();
      programs.clear();
    },
  };
}
