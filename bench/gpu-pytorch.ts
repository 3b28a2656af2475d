/** PyTorch on the same card, where one with CUDA is installed: eager, and compiled if that works. */

import type { BenchModel } from "./models.ts";
import { startPython } from "./python.ts";
import type { Contestant } from "./turns.ts";

export type GpuTask = "step" | "sample" | "search" | "matrix" | "bandwidth";

export interface GpuPytorch {
  /** Those that can do it, warmed up. */
  contestants(task: GpuTask, model: BenchModel, size: number): Promise<Contestant[]>;
  close(): Promise<void>;
}

/** No contestants where it isn't installed, or sees no card; says so. */
export async function startGpuPytorch(report: (line: string) => void): Promise<GpuPytorch> {
  const peer = await startPython("pytorch_gpu.py", [], { threads: 4 });
  if (!peer) {
    report("No PyTorch here sees a card, so it is no peer. `pip install torch` brings one with CUDA.");
    return { contestants: async () => [], close: async () => {} };
  }
  const { version, card } = peer.greeting as { version: string; card: string };
  report(`PyTorch ${version} sees ${card}`);
  return {
    async contestants(task, { kind, width }, size) {
      const able: Contestant[] = [];
      const modes = task === "matrix" || task === "bandwidth" ? ["eager"] : ["eager", "compiled"];
      for (const mode of modes) {
        const ask = async (count: number) =>
          (await peer.ask(`${task} ${mode} ${kind} ${width} ${size} ${count}`)) as
            | number[]
            | { readonly failure: string };
        const first = await ask(1);
        if (Array.isArray(first)) {
          const label = `PyTorch ${version}, ${mode}`;
          // What worked once works again.
          able.push({ label, time: async (count) => (await ask(count)) as number[] });
        } else {
          report(`PyTorch, ${mode}: ${first.failure}`);
        }
      }
      return able;
    },
    close: peer.close,
  };
}
