/** PyTorch as a peer, where Debian's `python3-torch` (or any other) is installed. */

import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** The generators whose training step is measured; the peer has the same two. */
export type StepModel = "mlp" | "conv";

export interface PytorchPeer {
  readonly label: string;
  /** Milliseconds of each step. */
  time(model: StepModel, batch: number, steps: number): Promise<number[]>;
  close(): Promise<void>;
}

/** OpenMP threads that sleep between operators, and ones that spin: which is faster depends on the machine. */
const WAIT_POLICIES = [undefined, "PASSIVE"];

/** A peer for each way in which PyTorch may be at its best; none where it isn't installed. */
export async function startPytorch(threads: number): Promise<PytorchPeer[]> {
  const peers: PytorchPeer[] = [];
  for (const policy of WAIT_POLICIES) {
    const peer = await startOne(threads, policy);
    if (peer) peers.push(peer);
  }
  return peers;
}

async function startOne(threads: number, policy: string | undefined): Promise<PytorchPeer | null> {
  const script = fileURLToPath(new URL("peers/pytorch_step.py", import.meta.url));
  const { OPENBLAS_CORETYPE: _, ...environment } = process.env; // a preset core type slows OpenBLAS down
  for (const python of ["/usr/bin/python3", "python3"]) {
    const child = spawn(python, [script, String(threads)], {
      env: {
        ...environment,
        // OpenBLAS has threads of its own, which torch.set_num_threads doesn't limit.
        OMP_NUM_THREADS: String(threads),
        OPENBLAS_NUM_THREADS: String(threads),
        ...(policy && { OMP_WAIT_POLICY: policy }),
      },
      stdio: ["pipe", "pipe", "pipe"],
    });
    child.on("error", () => {}); // no such python: the first line never comes
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const first = await lines.next();
    if (first.done) continue;
    const { version } = JSON.parse(first.value) as { version: string };
    return {
      label: `PyTorch ${version}${policy ? `, OMP_WAIT_POLICY=${policy}` : ""}`,
      async time(model, batch, steps) {
        child.stdin.write(`${model} ${batch} ${steps}\n`);
        return JSON.parse((await lines.next()).value as string) as number[];
      },
      close: () => end(child),
    };
  }
  return null;
}

async function end(child: ChildProcessWithoutNullStreams): Promise<void> {
  const exited = once(child, "exit");
  child.stdin.end();
  await exited;
}
