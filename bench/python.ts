/** Peers written in Python: processes that answer every line with a line of JSON. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export interface PythonPeer {
  /** What it said when it was ready. */
  readonly greeting: unknown;
  /** Sends a line, and waits for the answer. */
  ask(line: string): Promise<unknown>;
  close(): Promise<void>;
}

/**
 * Starts `peers/NAME`; null where no Python has what it imports.
 *
 * @param threads of every library that it computes with
 * @param waitPolicy OpenMP's; undefined: its own default
 */
export async function startPython(
  name: string,
  args: readonly string[],
  { threads, waitPolicy }: { threads: number; waitPolicy?: string | undefined },
): Promise<PythonPeer | null> {
  const script = fileURLToPath(new URL(`peers/${name}`, import.meta.url));
  const { OPENBLAS_CORETYPE: _, ...environment } = process.env; // a preset core type slows OpenBLAS down
  for (const python of ["/usr/bin/python3", "python3"]) {
    const child = spawn(python, [script, ...args], {
      env: {
        ...environment,
        // OpenBLAS has threads of its own, which torch.set_num_threads doesn't limit.
        OMP_NUM_THREADS: String(threads),
        OPENBLAS_NUM_THREADS: String(threads),
        ...(waitPolicy && { OMP_WAIT_POLICY: waitPolicy }),
      },
      stdio: ["pipe", "pipe", "pipe"],
    });
    let complaint = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (complaint += text));
    child.on("error", () => {}); // no such python: the first line never comes
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const first = await lines.next();
    if (first.done) continue;
    return {
      greeting: JSON.parse(first.value),
      async ask(line) {
        child.stdin.write(`${line}\n`);
        const answer = await lines.next();
        if (answer.done) throw new Error(`${name}: no answer to "${line}":\n${complaint}`);
        return JSON.parse(answer.value);
      },
      async close() {
        const exited = once(child, "exit");
        child.stdin.end();
        await exited;
      },
    };
  }
  return null;
}
