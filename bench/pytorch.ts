/** PyTorch as a peer, where Debian's `python3-torch` (or any other) is installed. */

import type { BenchModel } from "./models.ts";
import { startPython } from "./python.ts";
import type { Contestant } from "./turns.ts";

/** What is timed: a training step on a batch, or a forward pass of so many samples without gradients. */
export type PytorchTask = "step" | "sample";

export interface Pytorch {
  /** One for each way in which PyTorch may be at its best. */
  contestants(task: PytorchTask, model: BenchModel, batch: number): Contestant[];
  close(): Promise<void>;
}

/** OpenMP threads that sleep between operators, and ones that spin: which is faster depends on the machine. */
export const WAIT_POLICIES = ["PASSIVE", undefined];

/** Once is enough, however many rows there are. */
let missingTold = false;

/** No contestants where it isn't installed; says so. */
export async function startPytorch(threads: number, report: (line: string) => void): Promise<Pytorch> {
  const peers: { label: string; ask(line: string): Promise<unknown>; close(): Promise<void> }[] = [];
  // One thread never waits.
  for (const waitPolicy of threads === 1 ? [undefined] : WAIT_POLICIES) {
    const peer = await startPython("pytorch_model.py", [String(threads)], { threads, waitPolicy });
    if (!peer) break;
    const { version } = peer.greeting as { version: string };
    peers.push({ ...peer, label: pytorchLabel(version, waitPolicy) });
  }
  if (peers.length === 0 && !missingTold) {
    missingTold = true;
    report("PyTorch is not installed, so it is no peer. Debian: python3-torch and libopenblas0-pthread.");
  }
  return {
    contestants: (task, { kind, width }, batch) =>
      peers.map(({ label, ask }) => ({
        label,
        time: async (count) => (await ask(`${task} ${kind} ${width} ${batch} ${count}`)) as number[],
      })),
    async close() {
      for (const peer of peers) await peer.close();
    },
  };
}

export function pytorchLabel(version: string, waitPolicy: string | undefined): string {
  return `PyTorch ${version}${waitPolicy ? `, OMP_WAIT_POLICY=${waitPolicy}` : ""}`;
}
